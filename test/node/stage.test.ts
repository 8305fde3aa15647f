import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { expand, publish, type StageSpec, stage, unpublish, unstage, volumeHealth, volumeStats } from '#node';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aScope, NodeBed } from './node-bed.ts';

const MIB = 1024 * 1024;

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`a file written to a new ${fsType} volume is read back after it was staged anew`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    const spec = { ...(await bed.image('v')), fsType };
    const published = bed.publishSpec(spec, 'pod');

    await stage(bed.host, spec, aScope());
    await publish(bed.host, published, aScope());
    writeFileSync(bed.path('pod/file'), 'kept');
    await unpublish(bed.host, { volume: spec.volume, target: published.target.path }, aScope());
    await unstage(bed.host, spec, aScope());
    const between = bed.leftovers();
    await stage(bed.host, spec, aScope());

    assert.equal(readFileSync(`${spec.stagingPath}/file`, 'utf8'), 'kept');
    assert.deepEqual(between, []);
    assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${spec.stagingPath} .* ${fsType} /dev/loop`));
  });
}

test('every call repeated changes nothing', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = await bed.image('v');
  const published = bed.publishSpec(spec, 'pod', { readonly: true });
  const twice = async (act: () => Promise<unknown>) => [await act(), await act()];

  await twice(() => stage(bed.host, spec, aScope()));
  await twice(() => publish(bed.host, published, aScope()));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split(bed.dir).length - 1;
  await twice(() => unpublish(bed.host, { volume: spec.volume, target: published.target.path }, aScope()));
  await twice(() => unstage(bed.host, spec, aScope()));

  assert.equal(mounts, 3); // The daemon's file, the staging path, the target.
  assert.deepEqual(bed.leftovers(), []);
  assert.deepEqual(readdirSync(bed.dir).sort(), ['s', 'stage-v']); // The target path is gone.
});

test('a volume that cannot be mapped for good leaves nothing on the node, without being unstaged', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const missing = bed.stageSpec('missing');
  const withWrongKey: StageSpec = {
    ...(await bed.image('v')),
    connection: { ...bed.connection, key: 'AQDuW+Bm6mDKHRAAFUUIb6bYwFh0nwrjYuqmfg==' },
  };

  await assert.rejects(stage(bed.host, missing, aScope()), { kind: 'not-found' });
  await assert.rejects(stage(bed.host, withWrongKey, aScope()), { name: 'Failure' });

  assert.deepEqual(bed.leftovers(), []);
});

test('xfs grows while it is mounted', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v')), fsType: 'xfs' as const };
  await stage(bed.host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, 'kept');
  await bed.pool.rbd('resize', 'v', '--size', '1G', '--no-progress');

  const at = { volume: spec.volume, path: spec.stagingPath, connect: () => bed.connection };
  const { size } = await expand(bed.host, { ...at, required: 1024n * BigInt(MIB) }, aScope());

  assert.equal(size, 1024n * BigInt(MIB));
  const { blocks, bsize } = statfsSync(spec.stagingPath);
  assert.ok(blocks * bsize > 900 * MIB, `${blocks * bsize}`);
  assert.equal(readFileSync(`${spec.stagingPath}/file`, 'utf8'), 'kept');
});

test('a request for less than the image has cuts nothing off', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v')), fsType: 'xfs' as const };
  await stage(bed.host, spec, aScope());

  const at = { volume: spec.volume, path: spec.stagingPath, connect: () => bed.connection };
  const { size } = await expand(bed.host, { ...at, required: BigInt(MIB) }, aScope());

  assert.equal(size, 512n * BigInt(MIB));
  assert.match(await bed.pool.rbd('info', 'v'), /size 512 MiB/);
});

test("a volume grows after its user's key was changed, and without the key where another user staged it", async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v', 64)), access: 'block' as const };
  await stage(bed.host, spec, aScope());
  const at = { volume: spec.volume, path: spec.stagingPath, required: 0n };
  const stranger = { ...bed.connection, user: 'somebody-else', key: 'AAAA' };
  const caps = { mon: 'profile rbd', osd: 'profile rbd' };
  const { ceph } = bed.pool;

  await bed.pool.rbd('resize', 'v', '--size', '96M', '--no-progress');
  const first = await expand(bed.host, { ...at, connect: () => stranger }, aScope());
  await ceph.ceph('auth', 'rm', `client.${bed.connection.user}`);
  const key = await ceph.createUser(bed.connection.user, caps);
  await bed.pool.rbd('resize', 'v', '--size', '128M', '--no-progress');
  const second = await expand(bed.host, { ...at, connect: () => ({ ...bed.connection, key }) }, aScope());

  assert.deepEqual([first.size, second.size], [96n * BigInt(MIB), 128n * BigInt(MIB)]);
});

test('ext4 grows when it is staged next', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v')), fsType: 'ext4' as const };
  await stage(bed.host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, 'kept');
  await unstage(bed.host, spec, aScope());
  await bed.pool.rbd('resize', 'v', '--size', '1G', '--no-progress');

  await stage(bed.host, spec, aScope());

  const { blocks, bsize } = statfsSync(spec.stagingPath);
  assert.ok(blocks * bsize > 900 * MIB, `${blocks * bsize}`);
  assert.equal(readFileSync(`${spec.stagingPath}/file`, 'utf8'), 'kept');
});

test('a block volume is the image: bytes written to it are in Ceph, and it grows', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = { ...(await bed.image('v', 64)), access: 'block' as const };
  const published = bed.publishSpec(spec, 'pod-device');
  const at = { volume: spec.volume, path: published.target.path };
  await stage(bed.host, spec, aScope());
  await publish(bed.host, published, aScope());

  await runProgram('dd', [`of=${published.target.path}`, 'bs=1M', 'conv=fsync'], { input: 'loligo was here' });
  await bed.pool.rbd('resize', 'v', '--size', '128M', '--no-progress');
  await expand(bed.host, { ...at, required: 0n, connect: () => bed.connection }, aScope());

  assert.match(await bed.pool.rbd('export', 'v', '-'), /^loligo was here/);
  assert.deepEqual(await volumeStats(bed.host, at), { access: 'block', total: 128n * BigInt(MIB) });
});

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`a reader of a ${fsType} with a dirty journal gets what was on the disk, and writes nothing to it`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    const spec = { ...(await bed.image('v')), fsType };
    await stage(bed.host, spec, aScope());
    writeFileSync(`${spec.stagingPath}/file`, 'kept');
    await unstage(bed.host, spec, aScope());
    await stage(bed.host, spec, aScope());
    writeFileSync(`${spec.stagingPath}/journaled`, 'may be missing: the journal is not replayed');
    await runProgram('sync', ['-f', spec.stagingPath]);
    await bed.pool.rbd('snap', 'create', 'v@s');
    await bed.pool.rbd('clone', 'v@s', `${bed.pool.spec}/copy`, '--rbd-default-clone-format', '2');
    const reader = bed.stageSpec('copy', { readonly: true, fsType, mountFlags: ['noatime'] });

    await stage(bed.host, reader, aScope());

    assert.equal(readFileSync(`${reader.stagingPath}/file`, 'utf8'), 'kept');
    assert.throws(() => writeFileSync(`${reader.stagingPath}/other`, ''), { code: 'EROFS' });
    const { block_name_prefix } = (await bed.pool.rbdJson('info', 'copy')) as { block_name_prefix: string }; // what it prints
    assert.deepEqual(
      (await bed.pool.objects()).filter((name) => name.startsWith(`${block_name_prefix}.`)),
      [],
    );
  });
}

test('statistics tell what statfs tells', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = await bed.image('v');
  await stage(bed.host, spec, aScope());

  const stats = await volumeStats(bed.host, { volume: spec.volume, path: spec.stagingPath });

  const { blocks, bsize, files, bavail } = statfsSync(spec.stagingPath);
  assert.ok(stats.access === 'mount');
  assert.equal(stats.bytes.total, BigInt(blocks * bsize));
  assert.equal(stats.bytes.available, BigInt(bavail * bsize));
  assert.equal(stats.inodes.total, BigInt(files));
});

test('a volume is healthy until the process behind it ends, and is staged anew after that', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec = await bed.image('v');
  await stage(bed.host, spec, aScope());
  const before = await volumeHealth(bed.host, spec.volume);
  const [pid] = bed.leftovers().flatMap((line) => (line.startsWith('process ') ? [Number(line.slice(8))] : []));
  assert.ok(pid !== undefined);

  const { watchers } = (await bed.pool.rbdJson('status', 'v')) as { watchers: { address: string }[] }; // what it prints
  process.kill(pid, 'SIGKILL');
  // Else the cluster waits 30 s for the dead client before another one may write.
  for (const { address } of watchers) await bed.pool.ceph.ceph('osd', 'blocklist', 'add', address);
  const after = await volumeHealth(bed.host, spec.volume);
  await stage(bed.host, spec, aScope());

  assert.deepEqual(before, []);
  assert.deepEqual(
    after?.map(({ reason }) => reason),
    ['MapperEnded'],
  );
  writeFileSync(`${spec.stagingPath}/file`, 'works again');
  assert.deepEqual(await volumeHealth(bed.host, spec.volume), []);
});
