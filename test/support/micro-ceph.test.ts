import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kind, MicroCeph } from './micro-ceph.ts';
import { sharedCeph } from './shared-ceph.ts';

const KINDS: readonly Kind[] = ['mon', 'mgr', 'osd'];

describe('the shared cluster', () => {
  test('gives a test a namespace of its own, and takes it back with all it holds', async () => {
    const ceph = sharedCeph();
    let name = '';
    {
      await using mine = await ceph.freshNamespace();
      await using other = await ceph.freshNamespace();
      name = mine.namespace;
      await mine.rbd('create', 'parent', '--size', '64M');
      await mine.rbd('snap', 'create', 'parent@s');
      await mine.rbd('clone', '--rbd-default-clone-format', '2', `${mine.spec}/parent@s`, `${mine.spec}/child`);
      await mine.rbd('trash', 'mv', 'child');

      assert.deepEqual(await mine.images(), ['parent']);
      assert.deepEqual(await other.images(), []);
    }

    const left = await ceph.rbdJson('namespace', 'ls', '--pool', 'rbd');

    assert.ok(Array.isArray(left) && !left.some((entry) => entry.name === name));
  });

  test('knows a user by the capabilities that were given, and no more', async () => {
    const ceph = sharedCeph();
    await using pool = await ceph.freshNamespace();
    const key = await ceph.createUser(`reader-${pool.namespace}`, { mon: 'profile rbd', osd: 'profile rbd-read-only pool=rbd' });

    const caps = await ceph.cephJson('auth', 'get', `client.reader-${pool.namespace}`);

    assert.equal(Buffer.from(key, 'base64').length, 28);
    assert.ok(Array.isArray(caps) && caps[0].caps.osd === 'profile rbd-read-only pool=rbd');
  });
});

describe('a cluster of its own', () => {
  let ceph: MicroCeph;
  before(async () => {
    ceph = await MicroCeph.start();
  });
  after(() => ceph[Symbol.asyncDispose]());

  // Not on the shared cluster: of what many do at once an OSD remembers only a part.
  test('shows which operations an act cost', async () => {
    await using pool = await ceph.freshNamespace();

    const since = await ceph.recordOps();
    await pool.rbd('create', 'counted', '--size', '1G');
    const ops = await ceph.historicOps(since);

    const entries = ops.filter(({ description }) => description.includes('rbd.dir_add_image'));
    assert.equal(entries.length, 1);
    assert.ok(entries[0]?.description.includes(pool.namespace));
  });

  test('is silent while its OSD is paused and answers soon after; its data outlives a restart of each daemon', async () => {
    await using pool = await ceph.freshNamespace();
    await pool.rbd('create', 'before', '--size', '1G');

    ceph.pause('osd');
    let answered = false;
    const listing = pool.images().then((images) => {
      answered = true;
      return images;
    });
    await sleep(3000);
    const answeredWhilePaused = answered;
    await ceph.resume('osd');
    const afterPause = await listing;
    for (const kind of KINDS) await ceph.restart(kind);

    assert.equal(answeredWhilePaused, false);
    assert.deepEqual(afterPause, ['before']);
    assert.deepEqual(await pool.images(), ['before']);
  });

  test('dies with the process that started it, even by SIGKILL, and leaves nothing after the next start', async () => {
    const program = `import { MicroCeph } from '${import.meta.resolve('./micro-ceph.ts')}';
      const ceph = await MicroCeph.start();
      console.log(ceph.dir);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(starter.stdout, 'data');
    const orphan = MicroCeph.attach(String(said).trim());

    starter.kill('SIGKILL');
    await once(starter, 'exit');
    await sleep(500);
    const alive = KINDS.filter((kind) => orphan.pid(kind) !== undefined);
    await using _next = await MicroCeph.start();

    assert.deepEqual(alive, []);
    assert.equal(existsSync(orphan.dir), false);
  });
});
