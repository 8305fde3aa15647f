/** A policy's life between two sites: selection, volumes that come later, a shell's commands, two primaries, its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { runProgram } from '../support/ceph/program.ts';
import { until } from '../support/kubernetes/waiting.ts';
import type { MirrorPool } from '../support/mirror/mirror-bed.ts';
import { condition, DisasterBed } from './disaster-bed.ts';

let bed: DisasterBed;
before(async () => {
  bed = await DisasterBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

/** `loligo mirror …`, as from an administrator's shell. */
async function loligo(...args: readonly string[]): Promise<string> {
  const env = { KUBECONFIG: bed.api.kubeconfig(), NO_PROXY: '*' };
  return await runProgram(process.execPath, ['src/bin/loligo.ts', 'mirror', ...args], { env, timeout: 180_000 });
}

/** A claim and its volume, as the provisioner makes them. */
async function bind(pool: MirrorPool, image: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const claimRef = { namespace: 'default', name: image };
  const size = { storage: '32Mi' };
  const common = { capacity: size, accessModes: ['ReadWriteOnce'], storageClassName: 'loligo' };
  const csi = { driver: 'rbd.csi.loligo.dev', volumeHandle: `prod/${pool.name}/${image}` };
  const volume = {
    metadata: { name: `${pool.name}-${image}` },
    spec: { ...common, csi, claimRef, persistentVolumeReclaimPolicy: 'Retain' },
  };
  await bed.api.apply({ apiVersion: 'v1', kind: 'PersistentVolume', ...volume });
  const claim = {
    accessModes: common.accessModes,
    storageClassName: 'loligo',
    resources: { requests: size },
    volumeName: volume.metadata.name,
  };
  await bed.api.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: image, namespace: 'default', labels },
    spec: claim,
  });
}

test('claims are selected by their labels, also those that come later; a shell moves them', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['gold-1', 'plain']);
  await bind(pool, 'gold-1', { dr: 'gold' });
  await bind(pool, 'plain', {});
  await bed.apply(pool, { volumes: { pools: [pool.name], claims: { matchLabels: { dr: 'gold' } } } });
  await bed.until(pool, ({ volumes }) => volumes?.summary === '1/1');

  await bed.createVolumes(pool, ['gold-2']);
  await bind(pool, 'gold-2', { dr: 'gold' });
  await bed.until(pool, (status) => status.volumes?.summary === '2/2' && condition(status, 'SafeToSwitchover') === 'True Safe');

  assert.deepEqual(await pool.west.pool.images(), ['gold-1', 'gold-2']);
  const claims = await bed.api.kubectl('get', 'mv', '--output', 'jsonpath={.items[*].spec.claim}');
  assert.equal(claims, 'default/gold-1 default/gold-2');
  const planned = await loligo('plan', pool.name, 'west');
  const moved = await loligo('switchover', pool.name, 'west');
  const status = await loligo('status');
  t.diagnostic(`\n${planned}\n${moved}\n${status}`);
  assert.match(planned, /nothing is in the way/);
  assert.match(moved, /primary at west, epoch 2\n$/);
  assert.match(status, new RegExp(`${pool.name} +west`));
  await assert.rejects(loligo('failover', pool.name, 'east'), /LOSS_NOT_ACCEPTED/);
  await bed.api.kubectl('delete', 'mp', pool.name);
});

test('a volume that a client has open is not demoted; when the client is gone the move goes on', async () => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v']);
  await bed.apply(pool);
  await bed.until(pool, (status) => status.volumes?.summary === '1/1' && condition(status, 'SafeToSwitchover') === 'True Safe');
  const bench = ['bench', `${pool.name}/v`, '--io-type', 'write', '--io-size', '4K', '--io-threads', '1', '--io-total', '1G'];
  const idle = await watchers(pool);
  const client = spawn('rbd', ['-c', bed.mirror.east.conf, ...bench], { stdio: 'ignore' });

  await until(async () => (await watchers(pool)) > idle, { what: 'the client has the volume open' });
  await bed.patch(pool, { primarySite: 'west', epoch: 2 });
  const waiting = await bed.until(pool, ({ step }) => step?.name === 'Demote' && step.blockedBy !== undefined);
  const meanwhile = (await pool.east.pool.rbdJson('info', 'v')) as { mirroring: { primary: boolean } };
  client.kill('SIGINT');
  const moved = await bed.until(pool, ({ epoch }) => epoch === 2);

  assert.match(waiting.step?.blockedBy ?? '', /IMAGE_IN_USE/);
  assert.equal(meanwhile.mirroring.primary, true);
  assert.equal(moved.primarySite, 'west');
  await bed.api.kubectl('delete', 'mp', pool.name);
});

async function watchers({ east }: MirrorPool): Promise<number> {
  return ((await east.pool.rbdJson('status', 'v')) as { watchers: unknown[] }).watchers.length;
}

test('demoted by hand before the old primary saw anything of it: the operator lets it go on, and brings it back when asked to', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v']);
  await bed.apply(pool);
  await bed.until(pool, (status) => status.volumes?.summary === '1/1' && condition(status, 'SafeToSwitchover') === 'True Safe');

  bed.mirror.east.pause('rbd-mirror');
  await bed.patch(pool, { primarySite: 'west', epoch: 2 });
  await bed.until(pool, ({ epoch }) => epoch === 2);
  await pool.west.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '1M', '--io-pattern', 'rand');
  const written = await pool.west.pool.checksum('v');
  await pool.west.pool.rbd('mirror', 'image', 'demote', 'v');
  const demoted = Date.now();
  await bed.mirror.east.resume('rbd-mirror');
  await bed.patch(pool, { primarySite: 'east', epoch: 3 });
  await bed.until(pool, ({ epoch }) => epoch === 3, 180);

  t.diagnostic(`at east ${((Date.now() - demoted) / 1000).toFixed(1)} s after the demote by hand`);
  assert.equal(await pool.east.pool.checksum('v'), written);
  await bed.api.kubectl('delete', 'mp', pool.name);
});

test('two primaries made by hand are seen within a minute, and nothing is overwritten, also not by the end of the policy', async (t) => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v']);
  await bed.apply(pool, { onReturn: 'Resync' });
  await bed.until(pool, ({ volumes }) => volumes?.summary === '1/1');

  await pool.west.pool.rbd('mirror', 'image', 'promote', '--force', 'v');
  const made = Date.now();
  await pool.west.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '1M', '--io-pattern', 'rand');
  const written = await pool.west.pool.checksum('v');
  const seen = await bed.until(pool, (status) => condition(status, 'SplitBrain').startsWith('True'), 60);
  t.diagnostic(`seen after ${((Date.now() - made) / 1000).toFixed(1)} s`);
  await bed.patch(pool, { primarySite: 'west', epoch: 2 });
  await bed.until(pool, (status) => condition(status, 'Blocked').startsWith('True SplitBrain'));

  await bed.patch(pool, { deletionPolicy: 'Disable' });
  await bed.api.kubectl('delete', 'mp', pool.name, '--wait=false');
  await until(async () => (await bed.api.kubectl('get', 'events', '--all-namespaces')).includes('CopyDiverged'), {
    what: 'an Event that says why it stays',
  });

  assert.equal(condition(seen, 'SplitBrain'), 'True BothPrimary');
  assert.equal(await pool.west.pool.checksum('v'), written);
  assert.deepEqual([await pool.east.pool.images(), await pool.west.pool.images()], [['v'], ['v']]);
  await bed.patch(pool, { deletionPolicy: 'Retain' });
  await until(async () => !(await bed.api.kubectl('get', 'mp', '--output', 'name')).includes(pool.name), {
    what: 'the policy is gone',
  });
});

test('I6: a policy that is deleted leaves its volumes mirrored, unless it says that mirroring ends', async () => {
  await using pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v']);
  await bed.apply(pool);
  await bed.until(pool, ({ volumes }) => volumes?.summary === '1/1');

  await bed.api.kubectl('delete', 'mp', pool.name, '--timeout=60s');
  const retained = (await pool.west.pool.rbdJson('info', 'v')) as { mirroring: { state: string } };
  await bed.apply(pool, { deletionPolicy: 'Disable' });
  await bed.until(pool, ({ volumes, phase }) => phase === 'Steady' && volumes?.summary === '1/1');
  await bed.api.kubectl('delete', 'mp', pool.name, '--timeout=60s');

  assert.equal(retained.mirroring.state, 'enabled');
  assert.deepEqual(await pool.east.pool.images(), ['v']);
  const ended = (await pool.east.pool.rbdJson('info', 'v')) as { mirroring?: { state: string } };
  assert.notEqual(ended.mirroring?.state, 'enabled');
  assert.equal(await bed.api.kubectl('get', 'mv', '--output', 'name', '--field-selector', `metadata.name=${pool.name}`), '');
});
