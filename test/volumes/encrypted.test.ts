/** Encrypted volumes at the controller's door: keys as they are made, published, copied and wrapped anew. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyFolder } from '../keys/key-folder.ts';
import { answerOf, DriverBed } from '../support/driver-bed.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');
const BLOCK = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
const SIZE = String(64 * 2 ** 20);
const ONE = { main: { from: 'files', keyFiles: ['first'] } };

const keys = { first: randomBytes(32), second: randomBytes(32) };

async function aBed(folder: KeyFolder) {
  const pool = await sharedCeph().freshNamespace();
  const bed = await DriverBed.open(pool, { options: { 'encryption-keys': folder.path } });
  const parameters = { cluster: bed.cluster, pool: pool.place.pool, namespace: pool.place.namespace, encrypted: 'true' };
  const create = (name: string, differs: object = {}) =>
    bed.csi.call('CreateVolume', {
      name,
      capacityRange: { requiredBytes: SIZE },
      volumeCapabilities: [BLOCK],
      parameters,
      ...differs,
    });
  const publish = async (volumeId: string): Promise<string> => {
    const request = { volumeId, nodeId: 'one@10.0.0.1', volumeCapability: BLOCK };
    const { publishContext } = await bed.csi.call('ControllerPublishVolume', request);
    return publishContext.encryptionKey;
  };
  return {
    ...{ pool, bed, parameters, create, publish },
    [Symbol.asyncDispose]: async () => {
      await bed[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
}

test('a volume gets a key once, whoever asks how often, and every publication has it wrapped', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);

  const answers = await Promise.all([at.create('v'), at.create('v')].map((made) => made.catch(() => undefined)));
  const { volume } = answers.find((answer) => answer !== undefined) ?? (await at.create('v'));
  const published = [await at.publish(volume.volumeId), await at.publish(volume.volumeId)];
  await at.bed.crash();
  await at.create('v');
  const dataKey = await folder.ring.unwrap(published[0] ?? '', volume.volumeId);

  assert.equal(volume.capacityBytes, SIZE);
  assert.equal(volume.volumeContext.encrypted, 'true');
  assert.deepEqual([published[1], await at.publish(volume.volumeId)], [published[0], published[0]]);
  assert.equal(published[0], (await at.pool.rbd('image-meta', 'get', 'v', 'loligo.key')).trim());
  assert.equal(dataKey.length, 32);
  for (const form of ['base64', 'hex', 'latin1'] as const) {
    for (const secret of [dataKey, keys.first]) assert.ok(!at.bed.driver.log().includes(secret.toString(form)));
  }
});

test('a clone and a restored snapshot have the data key of their source, each wrapped for itself', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);
  const { volume } = await at.create('v');
  const { snapshot } = await at.bed.csi.call('CreateSnapshot', { name: 'snap', sourceVolumeId: volume.volumeId });

  const { snapshotId } = snapshot;
  const { volume: restored } = await at.create('r', { volumeContentSource: { type: 'snapshot', snapshot: { snapshotId } } });
  const { volumeId } = volume;
  const { volume: clone } = await at.create('c', { volumeContentSource: { type: 'volume', volume: { volumeId } } });

  const open = async (id: string): Promise<string> => (await folder.ring.unwrap(await at.publish(id), id)).toString('hex');
  const opened = [await open(volumeId), await open(restored.volumeId), await open(clone.volumeId)];
  assert.equal(new Set(opened).size, 1);
  await assert.rejects(folder.ring.unwrap(await at.publish(clone.volumeId), volumeId), { reason: 'WRAPPED_KEY_INVALID' });
});

test('a copy may have another key-encryption key than its source, and is refused while that of the source is not there', async () => {
  using folder = new KeyFolder({ ...ONE, other: { from: 'files', keyFiles: ['second'] } }, keys);
  await using at = await aBed(folder);
  const parameters = (encryptionKey: string) => ({ parameters: { ...at.parameters, encryptionKey } });
  const { volume } = await at.create('v', parameters('main'));
  const source = { volumeContentSource: { type: 'volume', volume: { volumeId: volume.volumeId } } };

  folder.configure({ other: { from: 'files', keyFiles: ['second'] } });
  const refused = await answerOf(at.create('c', { ...source, ...parameters('other') }));
  const images = await at.pool.images();
  folder.configure({ ...ONE, other: { from: 'files', keyFiles: ['second'] } });
  const { volume: copy } = await at.create('c', { ...source, ...parameters('other') });
  folder.configure({ other: { from: 'files', keyFiles: ['second'] } });
  const again = await at.create('c', { ...source, ...parameters('other') });

  assert.equal(refused.status, 'FAILED_PRECONDITION');
  assert.match(refused.details, /ENCRYPTION_KEY_UNKNOWN/);
  assert.deepEqual(images, ['v']);
  assert.equal((await folder.ring.unwrap(await at.publish(copy.volumeId), copy.volumeId)).length, 32);
  assert.equal(again.volume.volumeId, copy.volumeId);
});

test('a class that asks for what cannot be is refused, and nothing is made', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);
  const asked = (parameters: object) => answerOf(at.create('v', { parameters: { ...at.parameters, ...parameters } }));

  const answers = [
    await asked({ encrypted: 'yes' }),
    await asked({ encrypted: 'false', encryptionKey: 'main' }),
    await asked({ encryptionKey: 'nobody' }),
  ];

  assert.deepEqual(
    answers.map(({ status, details }) => [status, /[A-Z]+_[A-Z_]+(?=: p|: e)/.exec(details)?.[0]]),
    [
      ['INVALID_ARGUMENT', 'PARAMETER_INVALID'],
      ['INVALID_ARGUMENT', 'PARAMETER_INVALID'],
      ['FAILED_PRECONDITION', 'ENCRYPTION_KEY_UNKNOWN'],
    ],
  );
  assert.deepEqual(await at.pool.images(), []);
});

test('after a rotation all keys are wrapped anew by one command, deleted volumes too, and the old key can go', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);
  const { volume } = await at.create('v');
  await at.create('deleted', { parameters: { ...at.parameters, deleteRetention: '1h' } });
  await at.bed.delete(at.bed.handle('deleted'));
  const before = await at.publish(volume.volumeId);
  const dataKey = await folder.ring.unwrap(before, volume.volumeId);

  folder.configure({ main: { from: 'files', keyFiles: ['second', 'first'] } });
  const said = await loligo(at.bed, folder, 'keys', 'rewrap', at.bed.cluster);
  folder.configure({ main: { from: 'files', keyFiles: ['second'] } });
  const after = await at.publish(volume.volumeId);
  await loligo(at.bed, folder, 'volume', 'undelete', at.bed.handle('deleted'));

  assert.match(said, /^the keys of 2 volumes of .* are wrapped anew/);
  assert.deepEqual(await folder.ring.unwrap(after, volume.volumeId), dataKey);
  assert.equal((await folder.ring.unwrap(await at.publish(at.bed.handle('deleted')), at.bed.handle('deleted'))).length, 32);
  await assert.rejects(folder.ring.unwrap(before, volume.volumeId), { reason: 'ENCRYPTION_KEY_MISSING' });
});

test('a key that cannot be wrapped anew is named, and the others are done', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);
  for (const name of ['a', 'b']) await at.create(name);
  await at.pool.rbd('image-meta', 'set', 'a', 'loligo.key', 'nonsense');

  folder.configure({ main: { from: 'files', keyFiles: ['second', 'first'] } });
  const failed = await loligo(at.bed, folder, 'keys', 'rewrap', at.bed.cluster).catch((error) => String(error.stderr));
  folder.configure({ main: { from: 'files', keyFiles: ['second'] } });

  assert.match(failed, /KEYS_NOT_REWRAPPED: 1 of 2 keys .*\n.*\/a: WRAPPED_KEY_INVALID/);
  assert.equal((await folder.ring.unwrap(await at.publish(at.bed.handle('b')), at.bed.handle('b'))).length, 32);
});

test('the room for one more encrypted volume is less by its header', async () => {
  using folder = new KeyFolder(ONE, keys);
  await using at = await aBed(folder);
  await at.create('v');
  const room = async (parameters: object): Promise<number> =>
    Number((await at.bed.csi.call('GetCapacity', { parameters })).availableCapacity);

  const { encrypted: _, ...open } = at.parameters;
  const [with_, without] = [await room(at.parameters), await room(open)];

  // Others write to the cluster meanwhile.
  assert.ok(Math.abs(without - with_ - 16 * 2 ** 20) < 12 * 2 ** 20, `${without} ${with_}`);
});

function loligo(bed: DriverBed, folder: KeyFolder, ...args: readonly string[]): Promise<string> {
  const options = ['--clusters', join(bed.driver.dir, 'clusters.json'), '--encryption-keys', folder.path];
  return runProgram(process.execPath, [PROGRAM, ...args, ...options]);
}
