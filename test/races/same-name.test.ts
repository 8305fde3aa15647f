/** Requests that meet: one image for one name, whoever asks how often, and no mixture of places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CsiClient } from '../support/csi-client.ts';
import { aVolumeIn, DriverBed, untilOk } from '../support/driver-bed.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const OPTIONS = { 'creator-lifetime': '3', 'reap-interval': '2' };
const FIFTY = Array.from({ length: 50 }, (_, index) => index);

/** Asks for the volume from all of the clients in turn, 50 times at once, until each is answered; gives the different answers. */
async function askFiftyTimes(clients: readonly CsiClient[], request: object): Promise<readonly string[]> {
  const answers = await Promise.all(FIFTY.map((index) => untilOk(() => clientAt(clients, index).call('CreateVolume', request))));
  return [...new Set(answers.map(({ volume }) => volume.volumeId))];
}

function clientAt(clients: readonly CsiClient[], index: number): CsiClient {
  const client = clients[index % clients.length];
  if (client === undefined) throw new RangeError('no client');
  return client;
}

test('50 identical CreateVolumes to one cold controller make one image', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });

  const answers = await askFiftyTimes([bed.csi], bed.volume('empty'));

  assert.deepEqual(answers, [bed.handle('empty')]);
  assert.deepEqual(await pool.images(), ['empty']);
});

test('50 identical CreateVolumes to two controllers make one image, of nothing, of a snapshot or of a volume', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using another = await bed.startAnother();
  const clients = [bed.csi, another.csi];

  const empty = await askFiftyTimes(clients, bed.volume('empty'));
  const snapshot = await bed.snapshot('snap', bed.handle('empty'));
  const ofSnapshot = { volumeContentSource: { snapshot: { snapshotId: snapshot } } };
  const ofVolume = { volumeContentSource: { volume: { volumeId: bed.handle('empty') } } };
  const restored = await askFiftyTimes(clients, bed.volume('restored', ofSnapshot));
  const cloned = await askFiftyTimes(clients, bed.volume('cloned', ofVolume));

  assert.deepEqual(
    [...empty, ...restored, ...cloned],
    ['empty', 'restored', 'cloned'].map((name) => bed.handle(name)),
  );
  assert.deepEqual(await pool.images(), ['cloned', 'empty', 'restored']);
  assert.deepEqual(await pool.rbdJson('trash', 'ls', '--all'), []);
  await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId: snapshot }));
  for (const name of ['restored', 'cloned', 'empty']) await bed.deleteInTime(bed.handle(name));
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

test('50 identical CreateSnapshots to two controllers take one snapshot', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using another = await bed.startAnother();
  const clients = [bed.csi, another.csi];
  const volume = await bed.create('source');

  const asked = { name: 'snap', sourceVolumeId: volume };
  const answers = await Promise.all(FIFTY.map((index) => untilOk(() => clientAt(clients, index).call('CreateSnapshot', asked))));

  assert.equal(new Set(answers.map(({ snapshot }) => JSON.stringify(snapshot))).size, 1);
  const taken = await pool.rbdJson('snap', 'ls', '--all', 'source');
  assert.deepEqual(namesOf(taken), ['snap']);
});

test('a name that is created and deleted by two controllers at once is either there and whole, or gone', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using another = await bed.startAnother();
  const clients = [bed.csi, another.csi];
  const create = (index: number): Promise<unknown> =>
    clientAt(clients, index)
      .call('CreateVolume', bed.volume('contended'))
      .catch(() => undefined);
  const remove = (index: number): Promise<unknown> =>
    clientAt(clients, index + 1)
      .call('DeleteVolume', { volumeId: bed.handle('contended') })
      .catch(() => undefined);

  for (let round = 0; round < 10; round += 1) {
    await Promise.all([create(0), remove(0), create(1), remove(1), create(0), remove(1)]);
  }
  await bed.create('contended');

  const { size, objects } = Object(await pool.rbdJson('info', 'contended'));
  assert.deepEqual({ size, objects }, { size: 2 ** 26, objects: 16 });
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '8M', 'contended');
  assert.equal(await pool.rbd('object-map', 'check', 'contended').then(() => 'clean'), 'clean');
  await bed.deleteInTime(bed.handle('contended'));
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

test('volumes of one name in several pools and namespaces, made at once, never mix', async () => {
  const ceph = sharedCeph();
  await using one = await ceph.freshNamespace();
  await using two = await ceph.freshNamespace();
  await using three = await ceph.freshPool();
  await using bed = await DriverBed.open(one, { options: OPTIONS });
  const places = [one, two, three];
  const sizeOf = (place: number, index: number): number => 2 ** 22 * (1 + place * 20 + index);
  const asks = places.flatMap((place, at) =>
    FIFTY.slice(0, 15).map((index) => ({
      ...aVolumeIn(bed.cluster, place),
      name: `v${index}`,
      capacityRange: { requiredBytes: String(sizeOf(at, index)) },
    })),
  );

  await Promise.all(asks.map((ask) => untilOk(() => bed.csi.call('CreateVolume', ask))));

  for (const [at, place] of places.entries()) {
    const images = await place.rbdJson('ls', '--long');
    const seen = Object.fromEntries(listOf(images).map((image) => [Object(image).image, Object(image).size]));
    assert.deepEqual(seen, Object.fromEntries(FIFTY.slice(0, 15).map((index) => [`v${index}`, sizeOf(at, index)])));
  }
  const { entries } = await bed.csi.call('ListVolumes', {});
  assert.equal(entries.length, asks.length);
});

test('an expansion, snapshots and clones of one volume at once all succeed, and each sees the volume at one moment', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: OPTIONS });
  await using another = await bed.startAnother();
  const volumeId = await bed.create('busy');
  await pool.rbd('bench', '--io-type', 'write', '--io-total', '4M', 'busy');
  const ofVolume = { volumeContentSource: { volume: { volumeId } }, capacityRange: {} };
  const grown = { volumeId, capacityRange: { requiredBytes: String(2 ** 27) } };

  await Promise.all([
    untilOk(() => another.csi.call('ControllerExpandVolume', grown)),
    ...['s1', 's2'].map((name) => bed.snapshot(name, volumeId)),
    ...['c1', 'c2', 'c3'].map((name) => bed.create(name, ofVolume)),
    ...['s3', 's4'].map((name) => untilOk(() => another.csi.call('CreateSnapshot', { name, sourceVolumeId: volumeId }))),
  ]);

  const sizes = [2 ** 26, 2 ** 27];
  const snapshots = listOf(await pool.rbdJson('snap', 'ls', 'busy')).map(Object);
  assert.deepEqual(snapshots.map(({ name }) => name).sort(), ['s1', 's2', 's3', 's4']);
  assert.ok(snapshots.every(({ size }) => sizes.includes(size)));
  assert.equal(Object(await pool.rbdJson('info', 'busy')).size, 2 ** 27);
  for (const clone of ['c1', 'c2', 'c3']) {
    const { size, parent } = Object(await pool.rbdJson('info', clone));
    assert.ok(sizes.includes(size));
    assert.equal(parent.overlap, size);
    await pool.rbd('export', '--no-progress', clone, '-');
  }
});

function listOf(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}

function namesOf(value: unknown): readonly string[] {
  return listOf(value).map((item) => Object(item).name);
}
