import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KeyFolder, VOLUME } from './key-folder.ts';

const OTHER = 'prod/rbd/pvc-2';

test('a data key that was wrapped for a volume opens for that volume, and is not in what is kept', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(32) });
  const dataKey = randomBytes(32);

  const stored = await folder.ring.wrap('main', dataKey, VOLUME);

  assert.deepEqual(await folder.ring.unwrap(stored, VOLUME), dataKey);
  const { v, key, sealed } = JSON.parse(stored);
  assert.deepEqual([v, key], [1, 'main']);
  assert.ok(!Buffer.from(sealed, 'base64').includes(dataKey));
});

test('the same data key is wrapped otherwise each time', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(32) });
  const dataKey = randomBytes(32);

  const stored = await Promise.all([1, 2, 3].map(() => folder.ring.wrap('main', dataKey, VOLUME)));

  assert.equal(new Set(stored).size, 3);
});

test('a wrapped key that was copied to another volume does not open (K1)', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(32) });
  const stored = await folder.ring.wrap('main', randomBytes(32), VOLUME);

  await assert.rejects(folder.ring.unwrap(stored, OTHER), { kind: 'precondition', reason: 'WRAPPED_KEY_INVALID' });
});

test('a wrapped key of which any byte was changed does not open', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(32) });
  const stored = JSON.parse(await folder.ring.wrap('main', randomBytes(32), VOLUME));
  const sealed = Buffer.from(stored.sealed, 'base64');

  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const tampered = JSON.stringify({ ...stored, sealed: changed.toString('base64') });
    await assert.rejects(folder.ring.unwrap(tampered, VOLUME), { reason: 'WRAPPED_KEY_INVALID' }, `byte ${at}`);
  }
});

test('what is no wrapped key, or one of a newer version, is refused by name and never shown', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(32) });
  const reasons: Record<string, string> = {
    '': 'WRAPPED_KEY_INVALID',
    secret: 'WRAPPED_KEY_INVALID',
    '{"v":1,"key":"main","by":"x"}': 'WRAPPED_KEY_INVALID',
    '{"v":2,"key":"main","by":"x","sealed":"y"}': 'WRAPPED_KEY_NEWER',
    '{"v":1,"key":"gone","by":"x","sealed":"y"}': 'ENCRYPTION_KEY_UNKNOWN',
    '{"v":1,"key":"main","by":"x","sealed":"y"}': 'ENCRYPTION_KEY_MISSING',
  };
  for (const [text, reason] of Object.entries(reasons)) {
    const error = await folder.ring.unwrap(text, VOLUME).catch((caught) => caught);
    assert.deepEqual([error.kind, error.reason], ['precondition', reason], text);
    assert.ok(!error.message.includes('secret'));
  }
});

test('after a rotation old keys still open, new ones are wrapped by the new key, and what was wrapped anew needs the new one alone', async () => {
  const files = { old: randomBytes(32), new: randomBytes(32) };
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['old'] } }, files);
  const dataKey = randomBytes(32);
  const before = await folder.ring.wrap('main', dataKey, VOLUME);

  folder.configure({ main: { from: 'files', keyFiles: ['new', 'old'] } });
  const opened = await folder.ring.unwrap(before, VOLUME);
  const after = await folder.ring.rewrap(before, VOLUME);
  folder.configure({ main: { from: 'files', keyFiles: ['new'] } });

  assert.deepEqual(opened, dataKey);
  assert.deepEqual(await folder.ring.unwrap(after, VOLUME), dataKey);
  await assert.rejects(folder.ring.unwrap(before, VOLUME), { kind: 'precondition', reason: 'ENCRYPTION_KEY_MISSING' });
});

test('a key file whose content was exchanged is noticed, and its own name does not matter', async () => {
  const key = randomBytes(32);
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: key, b: key });
  const stored = await folder.ring.wrap('main', randomBytes(32), VOLUME);

  folder.configure({ main: { from: 'files', keyFiles: ['b'] } });
  await folder.ring.unwrap(stored, VOLUME);
  folder.write('b', randomBytes(32).toString('base64'));

  await assert.rejects(folder.ring.unwrap(stored, VOLUME), { reason: 'ENCRYPTION_KEY_MISSING' });
});

test('a class that names no key takes the only one, and none where there are several', async () => {
  const keys = { a: randomBytes(32) };
  const entry = { from: 'files', keyFiles: ['a'] };
  using one = new KeyFolder({ main: entry }, keys);
  using two = new KeyFolder({ main: entry, other: entry }, keys);
  using none = new KeyFolder({}, keys);

  const stored = await one.ring.wrap('', randomBytes(32), VOLUME);

  assert.equal(JSON.parse(stored).key, 'main');
  for (const { ring } of [two, none]) {
    await assert.rejects(ring.wrap('', randomBytes(32), VOLUME), { kind: 'precondition', reason: 'ENCRYPTION_KEY_UNKNOWN' });
  }
});

const WRONG: Record<string, { config: unknown; says: RegExp }> = {
  'no object': { config: [], says: /not a JSON object/ },
  'an unknown kind': { config: { main: { from: 'env' } }, says: /main\.from is none of files, vault-kv, vault-transit/ },
  'no files': { config: { main: { from: 'files', keyFiles: [] } }, says: /main\.keyFiles is empty/ },
  'an unknown field': { config: { main: { from: 'files', keyFiles: ['a'], key: 'x' } }, says: /main\.key is unknown/ },
  'a name that is none': { config: { 'a/b': { from: 'files', keyFiles: ['a'] } }, says: /"a\/b" is not a name/ },
  'an address with a path': { config: { main: vault({ address: 'https://vault/v1' }) }, says: /main\.address/ },
  'no token': { config: { main: vault({ tokenFile: '' }) }, says: /main\.tokenFile/ },
  'a path that climbs': { config: { main: vault({ path: 'a/../../sys' }) }, says: /main\.path/ },
  'half a login': { config: { main: vault({ login: { mount: 'kubernetes' } }) }, says: /main\.login/ },
};

function vault(differs: object): object {
  return { from: 'vault-kv', address: 'https://vault:8200', tokenFile: 't', mount: 'secret', path: 'loligo', ...differs };
}

for (const [name, { config, says }] of Object.entries(WRONG)) {
  test(`of the configuration of keys: ${name} is refused, and the field is named`, async () => {
    using folder = new KeyFolder(config, {});

    const refusal = { kind: 'precondition', reason: 'CONFIG_INVALID', message: says };
    await assert.rejects(folder.ring.wrap('main', randomBytes(32), VOLUME), refusal);
  });
}

test('a key of another length than 32 bytes is refused, without a word of it', async () => {
  using folder = new KeyFolder({ main: { from: 'files', keyFiles: ['a'] } }, { a: randomBytes(16) });

  for (const text of [randomBytes(16).toString('base64'), 'hunter2', '']) {
    folder.write('a', text);
    const error = await folder.ring.wrap('main', randomBytes(32), VOLUME).catch((caught) => caught);
    assert.equal(error.reason, 'CONFIG_INVALID');
    assert.ok(text === '' || !error.message.includes(text));
  }
});
