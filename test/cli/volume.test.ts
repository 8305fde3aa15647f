import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgramError } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aDriver, loligo, VOLUME } from './shell.ts';

const ceph = sharedCeph();

test('a volume that was deleted comes back with its data, as long as its retention lasts', async () => {
  await using pool = await ceph.freshNamespace();
  await using driver = await aDriver();
  const { pool: name, namespace } = pool.place;
  const parameters = { cluster: 'prod', pool: name, namespace, deleteRetention: '1h' };
  const { volume } = await driver.csi.call('CreateVolume', { name: 'pvc-1', parameters, ...VOLUME });
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '4M', '--io-size', '1M', 'pvc-1');
  const before = await pool.checksum('pvc-1');
  await driver.csi.call('DeleteVolume', { volumeId: volume.volumeId });
  const gone = await pool.images();

  const said = await loligo(driver, 'volume', 'undelete', volume.volumeId);

  assert.deepEqual(gone, []);
  assert.match(said, /^prod\/.*\/pvc-1 is back, 8388608 bytes/);
  assert.equal(await pool.checksum('pvc-1'), before);
});

test('a volume that was deleted beside its snapshot comes back too', async () => {
  await using pool = await ceph.freshNamespace();
  await using driver = await aDriver();
  const { pool: name, namespace } = pool.place;
  const parameters = { cluster: 'prod', pool: name, namespace };
  const { volume } = await driver.csi.call('CreateVolume', { name: 'pvc-1', parameters, ...VOLUME });
  await driver.csi.call('CreateSnapshot', { name: 'snap-1', sourceVolumeId: volume.volumeId });
  await driver.csi.call('DeleteVolume', { volumeId: volume.volumeId });
  const aside = await pool.images();

  await loligo(driver, 'volume', 'undelete', volume.volumeId);

  assert.deepEqual(aside, ['pvc-1.deleted']);
  assert.deepEqual(await pool.images(), ['pvc-1']);
  const { entries } = await driver.csi.call('ListSnapshots', { sourceVolumeId: volume.volumeId });
  assert.equal(entries.length, 1);
});

test('an image of somebody else is refused until it is adopted, and is a volume then', async () => {
  await using pool = await ceph.freshNamespace();
  await using driver = await aDriver();
  const { pool: name, namespace } = pool.place;
  const handle = `prod/${name}/${namespace}/db`;
  await driver.csi.call('CreateVolume', { name: 'other', parameters: { cluster: 'prod', pool: name, namespace }, ...VOLUME });
  await pool.rbd('create', 'db', '--size', '8M');
  await pool.rbd('image-meta', 'set', 'db', 'rbd.csi.ceph.com/dek', 'theirs');
  const refused = driver.csi.call('DeleteVolume', { volumeId: handle });
  await assert.rejects(refused, { status: 'FAILED_PRECONDITION' });

  const said = await loligo(driver, 'volume', 'adopt', handle);
  const theirs = await pool.rbd('image-meta', 'get', 'db', 'rbd.csi.ceph.com/dek');
  await driver.csi.call('DeleteVolume', { volumeId: handle });

  assert.match(said, /is a volume now/);
  assert.equal(theirs.trim(), 'theirs');
  assert.deepEqual(await pool.images(), ['other']);
});

test('a command that is none, or a handle that is none, is said in one line', async () => {
  await using driver = await aDriver();

  const inOneLine = (error: unknown): boolean =>
    error instanceof ProgramError && /^loligo: (COMMAND_UNKNOWN|HANDLE_INVALID)/.test(error.stderr);

  await assert.rejects(loligo(driver, 'volume', 'destroy', 'prod/rbd/db'), inOneLine);
  await assert.rejects(loligo(driver, 'volume', 'undelete', '../etc'), inOneLine);
});
