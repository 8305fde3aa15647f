/** The container image, as `make image` wrote it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stage, unstage, volumeHealth } from '#node';
import { aScope, hostAt, NodeBed } from '../node/node-bed.ts';
import { RolePods } from '../node/role-pods.ts';
import { runProgram } from '../support/ceph/program.ts';
import { connectCsi } from '../support/csi-client.ts';
import { writeClusters } from '../support/driver.ts';
import { aVolumeIn } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { ImageBed } from './image-bed.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const USER = 65532;

test('it starts the program itself, as a user who is not root', async () => {
  using bed = await ImageBed.open();

  const { User, Entrypoint, Labels } = bed.config;

  assert.equal(User, `${USER}:${USER}`);
  assert.deepEqual(Entrypoint, ['/usr/local/bin/node', '/usr/lib/loligo/bin/loligo.js']);
  assert.equal(Labels['org.opencontainers.image.licenses'], 'Apache-2.0');
});

test('it has no shell, no package tools, no setuid program, and nothing that its user could change', async () => {
  using bed = await ImageBed.open();
  const found = async (...conditions: string[]): Promise<readonly string[]> =>
    (await runProgram('find', [bed.rootfs, ...conditions, '-printf', '/%P\n'])).split('\n').filter((line) => line !== '');

  const tools = await found('-regex', '.*/bin/\\(sh\\|bash\\|dash\\|busybox\\|perl.*\\|python.*\\|apt.*\\|dpkg.*\\|npm\\)');
  const privileged = await found('-type', 'f', '-perm', '/6000');
  const owned = await found('-not', '-user', 'root');
  const writable = await found('-not', '-type', 'l', '-perm', '/0022');

  assert.deepEqual(tools, []);
  assert.deepEqual(privileged, []);
  assert.deepEqual(owned, ['/run/loligo']);
  assert.deepEqual(writable, ['/tmp']);
});

test('every program that the node role runs is there, with all its libraries', async () => {
  using bed = await ImageBed.open();
  const source = globSync('src/node/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const named = [...source.join('\n').matchAll(/\brun\('([\w.]+)'/g)].map(([, program = '']) => program);
  const programs = [...new Set([...named, 'keyctl', 'mkfs.ext4', 'mkfs.xfs', 'qemu-storage-daemon'])];

  for (const program of programs) {
    const path = ['/usr/sbin', '/usr/bin']
      .map((folder) => join(folder, program))
      .find((file) => existsSync(join(bed.rootfs, file)));
    assert.ok(path, `${program} is missing`);
    const libraries = await bed.run({ program: [globLinker(bed.rootfs), '--list', path], args: [] });
    assert.doesNotMatch(libraries, /not found/, program);
  }
});

test('it runs with a read-only root, without any capability', async () => {
  using bed = await ImageBed.open();
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }; // our own

  const said = await bed.run({ args: ['version'] });

  assert.equal(said.trim(), version);
});

test('a controller in it makes a volume in Ceph, as a user who is not root', async () => {
  await using pool = await sharedCeph().freshNamespace();
  using bed = await ImageBed.open();
  const dir = join(bed.dir, 'c');
  mkdirSync(dir);
  const user = bed.dir.slice(-6);
  const caps = { mon: 'profile rbd', osd: 'profile rbd pool=rbd, allow class-read pool=rbd object_prefix rbd_namespace' };
  const key = await pool.ceph.createUser(user, caps);
  writeClusters(dir, { image: { monitors: pool.ceph.monitors, user, key } });
  for (const path of ['', 'clusters.json', 'image.key']) chownSync(join(dir, path), USER, USER);
  const options = [`--endpoint=unix://${dir}/csi.sock`, `--clusters=${dir}/clusters.json`, '--health='];
  let log = '';
  const controller = bed.start({ args: ['controller', ...options], mounts: [dir] }, (text) => {
    log += text;
  });
  while (!existsSync(join(dir, 'csi.sock')) && controller.exitCode === null) await sleep(50);
  assert.equal(controller.exitCode, null, log);
  const csi = connectCsi(join(dir, 'csi.sock'));

  await csi.call('CreateVolume', { name: 'v', ...aVolumeIn('image', pool) });
  const images = await pool.rbd('ls');
  csi.close();
  controller.kill('SIGTERM');
  const [exitCode] = await once(controller, 'exit');
  await pool.ceph.ceph('auth', 'rm', `client.${user}`);

  assert.equal(images.trim(), 'v');
  assert.equal(exitCode, 0, log);
});

test('a mapper role in it carries the I/O of a volume, with one capability', async () => {
  await using bed = await NodeBed.open(sharedCeph());
  await using pods = await RolePods.open(bed);
  using image = await ImageBed.open();
  const host = hostAt(bed.host.stateDir, pods.socket);
  const options = [`--mapper-socket=${pods.socket}`, `--state-dir=${bed.host.stateDir}`, '--health='];
  const root = { user: { uid: 0, gid: 0 }, capabilities: ['CAP_SYS_ADMIN'], mounts: [bed.dir], devices: ['/dev/fuse'] };
  let log = '';
  const role = image.start({ ...root, args: ['mapper', ...options] }, (text) => {
    log += text;
  });
  while (!existsSync(pods.socket) && role.exitCode === null) await sleep(50);
  assert.equal(role.exitCode, null, log);
  const spec = await bed.image('v');

  await stage(host, spec, aScope());
  writeFileSync(`${spec.stagingPath}/file`, 'kept');
  await runProgram('sync', ['--file-system', spec.stagingPath]);
  const health = await volumeHealth(host, spec.volume);
  await unstage(host, spec, aScope());
  role.kill('SIGTERM');
  const [exitCode] = await once(role, 'exit');

  assert.deepEqual(health, [], log);
  assert.equal(exitCode, 0, log);
  assert.deepEqual(bed.leftovers(), []);
});

function globLinker(rootfs: string): string {
  const [linker = ''] = globSync('usr/lib*/ld-linux-*', { cwd: rootfs });
  return `/${linker}`;
}
