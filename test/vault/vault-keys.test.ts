/** Keys in Vault, by a real one: `make test T=vault`. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { after, test } from 'node:test';
import { KeyFolder, VOLUME } from '../keys/key-folder.ts';
import { Vault } from '../support/vault/server.ts';

const OTHER = 'prod/rbd/pvc-2';
const AUDIENCE = 'vault-of-the-test';

const vault = await Vault.start();
after(() => vault[Symbol.asyncDispose]());
const signer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

await vault.ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
await vault.ask('POST', 'sys/mounts/transit', { type: 'transit' });
await vault.ask('POST', 'sys/auth/jwt', { type: 'jwt' });
await vault.ask('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [signer.publicKey.export({ type: 'spki', format: 'pem' })] });

const KINDS = {
  'vault-kv': { mount: 'secret', path: 'loligo/main', renew: renewSecret },
  'vault-transit': { mount: 'transit', path: 'loligo', renew: rotateTransit },
} as const;
type Kind = keyof typeof KINDS;

await renewSecret();
await vault.ask('POST', 'transit/keys/loligo');

for (const [kind, { renew }] of Object.entries(KINDS) as [Kind, (typeof KINDS)[Kind]][]) {
  test(`${kind}: a data key opens for its volume and for no other`, async () => {
    using folder = withToken(kind, vault.rootToken);
    const dataKey = randomBytes(32);

    const stored = await folder.ring.wrap('main', dataKey, VOLUME);

    assert.deepEqual(await folder.ring.unwrap(stored, VOLUME), dataKey);
    assert.ok(!stored.includes(dataKey.toString('base64')));
    await assert.rejects(folder.ring.unwrap(stored, OTHER), { kind: 'precondition', reason: 'WRAPPED_KEY_INVALID' });
  });

  test(`${kind}: a wrapped key that was changed does not open`, async () => {
    using folder = withToken(kind, vault.rootToken);
    const stored = JSON.parse(await folder.ring.wrap('main', randomBytes(32), VOLUME));

    const last = stored.sealed.replaceAll(/=+$/g, '').at(-4);
    const sealed = stored.sealed.replaceAll(/.(?=...=*$)/g, last === 'A' ? 'B' : 'A');

    assert.notEqual(sealed, stored.sealed);
    await assert.rejects(folder.ring.unwrap(JSON.stringify({ ...stored, sealed }), VOLUME), { reason: 'WRAPPED_KEY_INVALID' });
  });

  test(`${kind}: after a rotation old keys open, and what was wrapped anew does without the old version`, async () => {
    using folder = withToken(kind, vault.rootToken);
    const dataKey = randomBytes(32);
    const before = await folder.ring.wrap('main', dataKey, VOLUME);

    await renew();
    const opened = await folder.ring.unwrap(before, VOLUME);
    const after = await folder.ring.rewrap(before, VOLUME);
    await retireOld(kind);

    assert.deepEqual(opened, dataKey);
    assert.notEqual(versionOf(after), versionOf(before));
    assert.deepEqual(await folder.ring.unwrap(after, VOLUME), dataKey);
    const refusal = { kind: 'precondition', reason: kind === 'vault-kv' ? 'ENCRYPTION_KEY_MISSING' : 'WRAPPED_KEY_INVALID' };
    await assert.rejects(folder.ring.unwrap(before, VOLUME), refusal);
  });

  test(`${kind}: an identity with the documented policy is enough, by its token and by a login with a JSON Web Token`, async () => {
    await policies();
    using controller = withToken(kind, await tokenWith('controller'));
    using node = withLogin(kind, 'node', aJwt());
    const dataKey = randomBytes(32);

    const stored = await controller.ring.wrap('main', dataKey, VOLUME);

    assert.deepEqual(await node.ring.unwrap(stored, VOLUME), dataKey);
    assert.deepEqual(await node.ring.unwrap(stored, VOLUME), dataKey);
  });
}

test('a node that may only open cannot wrap, and is told so without its token', async () => {
  await policies();
  const token = await tokenWith('node');
  using node = withToken('vault-transit', token);

  const error = await node.ring.wrap('main', randomBytes(32), VOLUME).catch((caught) => caught);

  assert.deepEqual([error.kind, error.reason], ['denied', 'VAULT_REFUSED']);
  assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes(token));
});

test('a login outlives its token: one that was revoked is asked for again', async () => {
  await policies();
  using folder = withLogin('vault-transit', 'controller', aJwt());
  const dataKey = randomBytes(32);
  const stored = await folder.ring.wrap('main', dataKey, VOLUME);

  await vault.ask('POST', 'sys/leases/revoke-prefix/auth/jwt');

  assert.deepEqual(await folder.ring.unwrap(stored, VOLUME), dataKey);
});

test('a login with a token of another audience, and a token that Vault does not know, are refused', async () => {
  await policies();
  using stranger = withLogin('vault-transit', 'node', aJwt('somebody else'));
  using unknown = withToken('vault-transit', 'no token of this Vault');

  for (const { ring } of [stranger, unknown]) {
    await assert.rejects(ring.wrap('main', randomBytes(32), VOLUME), { kind: 'denied', reason: 'VAULT_REFUSED' });
  }
});

test('a key or a secret that is not there is named', async () => {
  using folder = withToken('vault-kv', vault.rootToken, { path: 'loligo/nothing' });
  await vault.ask('POST', 'secret/data/loligo/short', { data: { key: 'too short' } });
  using short = withToken('vault-kv', vault.rootToken, { path: 'loligo/short' });

  for (const { ring } of [folder, short]) {
    const error = await ring.wrap('main', randomBytes(32), VOLUME).catch((caught) => caught);
    assert.equal(error.reason, 'ENCRYPTION_KEY_MISSING');
    assert.ok(!error.message.includes('too short'));
  }
});

test('a server whose certificate nobody vouches for is not talked to', async () => {
  using folder = withToken('vault-transit', vault.rootToken, { caFile: undefined });

  await assert.rejects(folder.ring.wrap('main', randomBytes(32), VOLUME), { kind: 'unreachable', reason: 'VAULT_SILENT' });
});

test('a Vault that is sealed, or away, is no final answer', async () => {
  using folder = withToken('vault-transit', vault.rootToken);

  await vault.ask('PUT', 'sys/seal');
  await assert.rejects(folder.ring.wrap('main', randomBytes(32), VOLUME), { kind: 'unreachable', reason: 'VAULT_SILENT' });
  await vault.stop();
  await assert.rejects(folder.ring.wrap('main', randomBytes(32), VOLUME), { kind: 'unreachable', reason: 'VAULT_SILENT' });
});

function withToken(kind: Kind, token: string, differs: object = {}): KeyFolder {
  const { mount, path } = KINDS[kind];
  const entry = { from: kind, address: vault.address, caFile: vault.caFile, tokenFile: 'token', mount, path, ...differs };
  const folder = new KeyFolder({ main: entry }, {});
  folder.write('token', `${token}\n`);
  return folder;
}

function withLogin(kind: Kind, role: string, jwt: string): KeyFolder {
  return withToken(kind, jwt, { login: { mount: 'jwt', role } });
}

/** As docs/encryption.md has them, with a token and a role for each. */
async function policies(): Promise<void> {
  const read = 'path "secret/data/loligo/main" { capabilities = ["read"] }';
  const open = `${read} path "transit/decrypt/loligo" { capabilities = ["update"] }`;
  await vault.ask('PUT', 'sys/policies/acl/node', { policy: open });
  await vault.ask('PUT', 'sys/policies/acl/controller', {
    policy: `${open} path "transit/encrypt/loligo" { capabilities = ["update"] }`,
  });
  for (const role of ['node', 'controller']) {
    const bound = { role_type: 'jwt', user_claim: 'sub', bound_audiences: [AUDIENCE] };
    await vault.ask('POST', `auth/jwt/role/${role}`, { ...bound, token_policies: [role], token_ttl: '10m' });
  }
}

async function tokenWith(policy: string): Promise<string> {
  const made = await vault.ask('POST', 'auth/token/create', { policies: [policy], ttl: '10m' });
  return String(Reflect.get(Object(Reflect.get(Object(made), 'auth')), 'client_token'));
}

/** As a pod's token is: signed by somebody whom Vault trusts, for an audience. */
function aJwt(audience = AUDIENCE): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ sub: 'loligo', aud: audience, iat: now, exp: now + 600 })}`;
  const signature = sign('sha256', Buffer.from(signed), { key: signer.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

async function renewSecret(): Promise<void> {
  await vault.ask('POST', 'secret/data/loligo/main', { data: { key: randomBytes(32).toString('base64') } });
}

async function rotateTransit(): Promise<void> {
  await vault.ask('POST', 'transit/keys/loligo/rotate');
}

async function retireOld(kind: Kind): Promise<void> {
  if (kind === 'vault-kv') await vault.ask('PUT', 'secret/destroy/loligo/main', { versions: [1] });
  else await vault.ask('POST', 'transit/keys/loligo/config', { min_decryption_version: 2 });
}

function versionOf(stored: string): string {
  const { by, sealed } = JSON.parse(stored);
  return `${by} ${sealed.slice(0, 'vault:v1'.length)}`;
}
