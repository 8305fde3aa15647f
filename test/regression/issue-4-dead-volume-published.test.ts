/**
 * What a pod finds that comes to a volume which gives only errors, and which kubelet does not stage again: NodePublishVolume makes
 * it anew, once nobody has what is broken.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { LocalKeeper, publish, type StageSpec, stage, unpublish, unstage, volumeHealth } from '#node';
import { dirOf } from '../../src/node/host.ts';
import { aScope, NodeBed } from '../node/node-bed.ts';
import { Driver } from '../support/driver.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const DATA = randomBytes(4 << 20);

for (const fsType of ['ext4', 'xfs'] as const) {
  test(`an ${fsType} volume whose process was killed is mapped and mounted anew for the next pod, once the last one is gone`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    const spec = { ...(await bed.image('v')), fsType };
    await stage(bed.host, spec, aScope());
    await publish(bed.host, bed.publishSpec(spec, 'first'), aScope());
    writeSynced(bed.path('first/file'), DATA);
    await killProcess(dirOf(bed.host, spec.volume));

    const beside = await failure(publish(bed.host, bed.publishSpec(spec, 'second'), aScope()));
    await unpublish(bed.host, { volume: spec.volume, target: bed.path('first') }, aScope());
    await publish(bed.host, bed.publishSpec(spec, 'second'), aScope());
    const kept = digestOf(bed.path('second/file'));
    writeSynced(bed.path('second/more'), DATA);
    const health = await volumeHealth(bed.host, spec.volume);
    await unpublish(bed.host, { volume: spec.volume, target: bed.path('second') }, aScope());
    await unstage(bed.host, spec, aScope());

    assert.deepEqual([beside.kind, beside.reason], ['in-use', 'DEAD_STILL_PUBLISHED']);
    assert.ok(beside.message.includes(bed.path('first')), beside.message);
    assert.equal(kept, digest(DATA));
    assert.deepEqual(health, []);
    assert.deepEqual(bed.leftovers(), []);
  });

  test(`an ${fsType} file system that the kernel has given up is checked and mounted anew for the next pod`, async () => {
    await using bed = await NodeBed.open(sharedCeph());
    const spec = { ...(await bed.image('v')), fsType };
    await stage(bed.host, spec, aScope());
    await publish(bed.host, bed.publishSpec(spec, 'first'), aScope());
    writeSynced(bed.path('first/file'), DATA);
    await runProgram('xfs_io', ['-x', '-c', 'shutdown', bed.path('first')]);

    const beside = await failure(publish(bed.host, bed.publishSpec(spec, 'second'), aScope()));
    const same = await publish(bed.host, bed.publishSpec(spec, 'first'), aScope()).then(() => 'published');
    await unpublish(bed.host, { volume: spec.volume, target: bed.path('first') }, aScope());
    await publish(bed.host, bed.publishSpec(spec, 'second'), aScope());
    writeSynced(bed.path('second/more'), DATA);

    assert.deepEqual([beside.kind, beside.reason], ['in-use', 'DEAD_STILL_PUBLISHED']);
    assert.equal(same, 'published'); // As a kubelet asks that was started again, while the pod runs.
    assert.equal(digestOf(bed.path('second/file')), digest(DATA));
  });
}

test('a block volume whose process was killed is mapped anew for the next pod', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec: StageSpec = { ...(await bed.image('v', 64)), access: 'block' };
  await stage(bed.host, spec, aScope());
  await publish(bed.host, bed.publishSpec(spec, 'first'), aScope());
  writeSynced(bed.path('first'), DATA);
  await killProcess(dirOf(bed.host, spec.volume));

  const beside = await failure(publish(bed.host, bed.publishSpec(spec, 'second'), aScope()));
  await unpublish(bed.host, { volume: spec.volume, target: bed.path('first') }, aScope());
  await publish(bed.host, bed.publishSpec(spec, 'second'), aScope());

  assert.equal(beside.reason, 'DEAD_STILL_PUBLISHED');
  assert.equal(digestOf(bed.path('second'), DATA.length), digest(DATA));
});

test('a volume that cannot be mapped anew stays staged: the pod is told why, and has it when the cause is gone', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  const spec: StageSpec = { ...(await bed.image('v', 64)), access: 'block' };
  await stage(bed.host, spec, aScope());
  await publish(bed.host, bed.publishSpec(spec, 'first'), aScope());
  writeSynced(bed.path('first'), DATA);
  await unpublish(bed.host, { volume: spec.volume, target: bed.path('first') }, aScope());
  await killProcess(dirOf(bed.host, spec.volume));
  const others = { ...spec, connection: { ...spec.connection, user: 'nobody' } };
  const wanted = bed.publishSpec(spec, 'pod');

  const refused = await failure(publish(bed.host, { ...wanted, stageSpec: () => others }, aScope()));
  const again = await failure(publish(bed.host, { ...wanted, stageSpec: () => others }, aScope()));
  await publish(bed.host, wanted, aScope());

  assert.deepEqual([refused.kind, refused.reason], ['unauthenticated', 'SECRETS_NOT_GIVEN']);
  assert.match(refused.message, new RegExp(`staged as client.${spec.connection.user} .* client.nobody, who may not`));
  assert.equal(again.reason, 'SECRETS_NOT_GIVEN');
  assert.equal(digestOf(bed.path('pod'), DATA.length), digest(DATA));
});

test("over gRPC a volume that was staged with its class's secrets is mapped anew as the configuration's user", async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await bed.image('v');
  const { monitors, user, key } = bed.connection;
  mkdirSync(bed.path('d'));
  const admin = { monitors, user: 'admin', key: await bed.pool.ceph.ceph('auth', 'get-key', 'client.admin') };
  await using driver = await Driver.start({ role: 'node', dir: bed.path('d'), clusters: { prod: admin } });
  const volume = {
    volumeId: `prod/${bed.pool.spec}/v`,
    stagingTargetPath: bed.path('stage'),
    volumeCapability: { mount: { fsType: 'xfs' }, accessMode: { mode: 'SINGLE_NODE_MULTI_WRITER' } },
  };
  await driver.csi.call('NodeStageVolume', { ...volume, secrets: { userID: user, userKey: key } });
  writeSynced(bed.path('stage/file'), DATA);
  await killProcess(dirOf({ stateDir: bed.path('d/state'), mappers: [] }, bed.volume('v')));

  await driver.csi.call('NodePublishVolume', { ...volume, targetPath: bed.path('pod') });
  const kept = digestOf(bed.path('pod/file'));
  await driver.csi.call('NodeUnpublishVolume', { ...volume, targetPath: bed.path('pod') });
  await driver.csi.call('NodeUnstageVolume', volume);

  assert.equal(kept, digest(DATA));
  assert.deepEqual(bed.leftovers(), []);
});

/** The process that carries the I/O of the volume with that directory ends by SIGKILL. */
async function killProcess(dir: string): Promise<void> {
  await new LocalKeeper().end(dir);
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return error;
}

function writeSynced(path: string, data: Buffer): void {
  const file = openSync(path, existsSync(path) ? 'r+' : 'w');
  writeSync(file, data);
  fsyncSync(file);
  closeSync(file);
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function digestOf(path: string, length?: number): string {
  return digest(readFileSync(path).subarray(0, length));
}
