/** The Node service as its callers see it: gRPC codes and the tables of the CSI specification. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CsiError } from '../support/csi-client.ts';
import { Driver } from '../support/driver.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { NodeBed } from './node-bed.ts';

/** A driver in the bed's folder, so that the bed tidies up after it. */
async function nodeDriver(bed: NodeBed): Promise<Driver> {
  const { monitors, user, key } = bed.connection;
  mkdirSync(bed.path('d'));
  return await Driver.start({ role: 'node', dir: bed.path('d'), clusters: { prod: { monitors, user, key } } });
}

const capability = (mode: string, mount: object = {}) => ({ mount, accessMode: { mode } });

/** As every call names the volume `v` of the bed. */
function theVolume(bed: NodeBed, mode = 'SINGLE_NODE_WRITER') {
  return { volumeId: `prod/${bed.pool.spec}/v`, stagingTargetPath: bed.path('stage'), volumeCapability: capability(mode) };
}

async function code(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'OK';
  } catch (error) {
    if (error instanceof CsiError) return error.status;
    throw error;
  }
}

const TABLE = {
  SINGLE_NODE_MULTI_WRITER: { same: 'OK', otherArguments: 'ALREADY_EXISTS', otherPath: 'OK', allOther: 'OK' },
  SINGLE_NODE_SINGLE_WRITER: {
    same: 'OK',
    otherArguments: 'ALREADY_EXISTS',
    otherPath: 'FAILED_PRECONDITION',
    allOther: 'FAILED_PRECONDITION',
  },
} as const;

for (const [mode, wanted] of Object.entries(TABLE)) {
  test(`a volume published a second time in mode ${mode} is answered as CSI's table says`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    await using driver = await nodeDriver(bed);
    await bed.image('v');
    const volume = theVolume(bed, mode);
    await driver.csi.call('NodeStageVolume', volume);
    const publish = (target: string, readonly: boolean) =>
      code(driver.csi.call('NodePublishVolume', { ...volume, targetPath: bed.path(target), readonly }));

    const first = await publish('one', false);
    const seen = {
      same: await publish('one', false),
      otherArguments: await publish('one', true),
      otherPath: await publish('two', false),
      allOther: await publish('three', true),
    };

    assert.equal(first, 'OK');
    assert.deepEqual(seen, wanted);
    for (const target of ['one', 'two', 'three']) {
      await driver.csi.call('NodeUnpublishVolume', { volumeId: volume.volumeId, targetPath: bed.path(target) });
    }
    await driver.csi.call('NodeUnstageVolume', volume);
    assert.deepEqual(bed.leftovers(), []);
  });
}

test('what a caller may not ask for is refused with the field, and nothing is made', async (t) => {
  await using bed = await NodeBed.open(sharedCeph());
  await using driver = await nodeDriver(bed);
  await bed.image('v');
  const good = {
    volumeId: `prod/${bed.pool.spec}/v`,
    stagingTargetPath: bed.path('stage'),
    volumeCapability: capability('SINGLE_NODE_WRITER'),
  };
  const flags = (...mountFlags: string[]) => ({ volumeCapability: capability('SINGLE_NODE_WRITER', { mountFlags }) });
  const path = (stagingTargetPath: string) => ({ stagingTargetPath });
  const mkfs = (mkfsOptions: string) => ({ volumeContext: { mkfsOptions } });
  const cases: Record<string, readonly [object, string]> = {
    'a path that is not absolute': [path('stage'), 'INVALID_ARGUMENT'],
    'a path that goes up': [path(`${bed.dir}/../elsewhere`), 'INVALID_ARGUMENT'],
    'a path with a line end': [path(`${bed.dir}/a\nb`), 'INVALID_ARGUMENT'],
    'the root': [path('/'), 'INVALID_ARGUMENT'],
    'an over-long component': [path(`${bed.dir}/${'x'.repeat(300)}`), 'INVALID_ARGUMENT'],
    'a bind mount hidden behind a comma': [flags('noatime,bind'), 'INVALID_ARGUMENT'],
    'a mount option with a path': [flags('logdev=/dev/vda'), 'INVALID_ARGUMENT'],
    'an option of mount itself': [flags('--make-shared'), 'INVALID_ARGUMENT'],
    'another device for mkfs': [mkfs('/dev/vda'), 'INVALID_ARGUMENT'],
    'a folder of the node for mkfs': [mkfs('-d etc'), 'INVALID_ARGUMENT'],
    'a shell in mkfs options': [mkfs('-K;reboot'), 'INVALID_ARGUMENT'],
    'a mapper that does not exist': [{ volumeContext: { mapper: 'magic' } }, 'INVALID_ARGUMENT'],
    'an unknown map option': [{ volumeContext: { mapOptions: 'rbd_cache=true' } }, 'INVALID_ARGUMENT'],
    'another site': [{ publishContext: { site: 'west' } }, 'FAILED_PRECONDITION'],
    'a file system that is not served': [
      { volumeCapability: capability('SINGLE_NODE_WRITER', { fsType: 'ntfs' }) },
      'FAILED_PRECONDITION',
    ],
    'writers on several nodes of one file system': [
      { volumeCapability: capability('MULTI_NODE_MULTI_WRITER') },
      'FAILED_PRECONDITION',
    ],
    'a cluster that is not configured': [{ volumeId: 'other/rbd/v' }, 'FAILED_PRECONDITION'],
    'an image that is not there': [{ volumeId: `prod/${bed.pool.spec}/w` }, 'NOT_FOUND'],
    'an id that is none of ours': [{ volumeId: '../../etc' }, 'NOT_FOUND'],
    'a wrong key': [
      { secrets: { userID: bed.connection.user, userKey: `${bed.connection.key.slice(0, -6)}AAAA==` } },
      'UNAUTHENTICATED',
    ],
  };
  for (const [name, [differs, wanted]] of Object.entries(cases)) {
    await t.test(name, async () => {
      assert.equal(await code(driver.csi.call('NodeStageVolume', { ...good, ...differs })), wanted);
      await code(driver.csi.call('NodeUnstageVolume', { ...good, ...differs }));
      assert.deepEqual(bed.leftovers(), []);
    });
  }
  assert.ok(!driver.log().includes(bed.connection.key.slice(0, 20)));
});

test('a symbolic link or a full directory at the target path is refused and stays as it is', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using driver = await nodeDriver(bed);
  await bed.image('v');
  const volume = theVolume(bed);
  await driver.csi.call('NodeStageVolume', volume);
  mkdirSync(bed.path('theirs'));
  writeFileSync(bed.path('theirs/file'), 'kept');
  symlinkSync(bed.path('theirs'), bed.path('link'));

  const linked = await code(driver.csi.call('NodePublishVolume', { ...volume, targetPath: bed.path('link') }));
  const removed = await code(driver.csi.call('NodeUnpublishVolume', { ...volume, targetPath: bed.path('theirs') }));
  const unlinked = await code(driver.csi.call('NodeUnpublishVolume', { ...volume, targetPath: bed.path('link') }));

  assert.deepEqual([linked, removed, unlinked], ['FAILED_PRECONDITION', 'FAILED_PRECONDITION', 'FAILED_PRECONDITION']);
  assert.equal(readFileSync(bed.path('link/file'), 'utf8'), 'kept');
  await driver.csi.call('NodeUnstageVolume', volume);
  rmSync(bed.path('link'));
});

test('a device that holds unknown data is not formatted', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using driver = await nodeDriver(bed);
  writeFileSync(bed.path('data'), Buffer.alloc(64 * 2 ** 20, 'a database, perhaps '));
  await bed.pool.ceph.rbd('import', '--no-progress', bed.path('data'), `${bed.pool.spec}/v`);
  const volume = theVolume(bed);

  const staged = await code(driver.csi.call('NodeStageVolume', volume));
  await driver.csi.call('NodeUnstageVolume', volume);

  assert.equal(staged, 'FAILED_PRECONDITION');
  assert.match(await bed.pool.ceph.rbd('export', '--no-progress', `${bed.pool.spec}/v`, '-'), /^a database, perhaps /);
});

test('the key is in no argument, file or log while a volume is staged', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using driver = await nodeDriver(bed);
  await bed.image('v');
  const volume = theVolume(bed);

  await driver.csi.call('NodeStageVolume', volume);

  const found = await runProgram('grep', ['-rlaF', '--devices=skip', bed.connection.key, join(bed.dir, 'd')]).catch(() => '');
  const processes = await runProgram('ps', ['-eww', '-o', 'args', 'e']);
  assert.equal(found.trim(), join(bed.dir, 'd', 'prod.key')); // The configuration itself, and nothing else.
  assert.ok(!processes.includes(bed.connection.key));
  await driver.csi.call('NodeUnstageVolume', volume);
});
