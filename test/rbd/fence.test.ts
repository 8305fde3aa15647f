import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessMode, ImageRef } from '#rbd';
import { type Bed, engineBed } from '../support/engine-bed.ts';
import type { TestPool } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { anImage, aVolume, MiB } from '../support/volume-specs.ts';

/** The writer below is a client of this machine. */
const HERE = 'here@127.0.0.1';
const THERE = 'there@10.0.0.2';

test('a node that is said to be lost is cut off, by the exact address of its client, before its volume goes elsewhere', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await using writing = await Writing.to(bed, pool, 'v');
  const other = await Writing.to(bed, pool, 'w');
  await using _other = other;
  const { volume } = writing;

  await bed.engine.markNode({ node: 'here', lost: true, by: 'person' });
  await bed.engine.unpublishVolume({ volume, node: HERE, fence: false });
  const cutOff = await blocklist(pool);
  await bed.engine.publishVolume({ volume, node: THERE, mode: 'single-writer', readonly: false, nodeLimit: 0 });
  await writing.untilEnded();
  await bed.engine.markNode({ node: 'here', lost: false, by: 'person' });
  await bed.engine.unpublishVolume({ volume: other.volume, node: HERE, fence: false });

  assert.ok(cutOff.has(writing.client), `${writing.client} is not among ${[...cutOff].join(' ')}`);
  assert.ok(yearsLeft(cutOff.get(writing.client) ?? '') > 5);
  assert.ok(!cutOff.has(other.client) && !(await blocklist(pool)).has(other.client), 'another client of the node is left alone');
  assert.equal(other.hasEnded, false);
  assert.deepEqual(await bed.engine.publishedNodes({ volumes: [volume] }), [[THERE]]);
});

test('with fencing on every forced detach, a node that still has the volume is cut off, and one that gave it back is not', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);
  await using writing = await Writing.to(bed, pool, 'v');
  await using shared = await Writing.to(bed, pool, 'shared', 'multi-writer');
  await bed.engine.createVolume(aVolume(pool, { image: 'idle' }));
  const idle = anImage(pool.place, 'idle');
  await bed.engine.publishVolume({ volume: idle, node: HERE, mode: 'single-writer', readonly: false, nodeLimit: 0 });
  const before = await blocklist(pool);

  for (const volume of [idle, shared.volume]) await bed.engine.unpublishVolume({ volume, node: HERE, fence: true });
  const afterIdle = await blocklist(pool);
  await bed.engine.unpublishVolume({ volume: writing.volume, node: HERE, fence: true });

  assert.ok(!afterIdle.has(shared.client), 'a volume that several nodes may have is given back without a fence');
  assert.ok(!before.has(writing.client) && !afterIdle.has(writing.client));
  assert.ok((await blocklist(pool)).has(writing.client));
  // Loligo's own connections work on, though they watched from the same address.
  await bed.engine.expandVolume({ volume: writing.volume, range: { required: 128n * MiB, limit: 0n } });
});

test('what is no name of a node cannot be said to be lost', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await engineBed(pool);

  await assert.rejects(bed.engine.markNode({ node: 'here@10.0.0.1', lost: true, by: 'person' }), { reason: 'NODE_NAME_INVALID' });
});

/** A volume that is published at HERE, and a client of this machine that writes to it until it is cut off. */
class Writing implements AsyncDisposable {
  readonly volume: ImageRef;
  /** As a blocklist has it. */
  readonly client: string;
  readonly #writer: ChildProcess;

  private constructor(volume: ImageRef, client: string, writer: ChildProcess) {
    this.volume = volume;
    this.client = client;
    this.#writer = writer;
  }

  static async to(bed: Bed, pool: TestPool, image: string, mode: AccessMode = 'single-writer'): Promise<Writing> {
    await bed.engine.createVolume(aVolume(pool, { image, size: 64n * MiB }));
    const volume = anImage(pool.place, image);
    await bed.engine.publishVolume({ volume, node: HERE, mode, readonly: false, nodeLimit: 0 });
    const args = ['bench', `${pool.spec}/${image}`, '--io-type', 'write', '--io-total', '100G', '--io-size', '4K'];
    const writer = spawn('rbd', args, { env: { ...process.env, CEPH_CONF: pool.ceph.conf }, stdio: 'ignore' });
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const { watchers } = Object(await pool.rbdJson('status', image));
      if (watchers.length > 0) return new Writing(volume, watchers[0].address, writer);
      await sleep(100);
    }
    throw new Error(`nobody has ${image} open`);
  }

  get hasEnded(): boolean {
    return this.#writer.exitCode !== null || this.#writer.signalCode !== null;
  }

  async untilEnded(): Promise<void> {
    if (!this.hasEnded) await once(this.#writer, 'exit', { signal: AbortSignal.timeout(60_000) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#writer, 'exit');
    this.#writer.kill('SIGINT'); // it closes the image, so that the pool can go
    await Promise.race([ended, sleep(10_000)]);
    this.#writer.kill('SIGKILL');
  }
}

/** Address and until when. */
async function blocklist(pool: TestPool): Promise<Map<string, string>> {
  const listed = await pool.ceph.ceph('osd', 'blocklist', 'ls');
  return new Map(listed.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
}

function yearsLeft(until: string): number {
  return (Date.parse(until.replace(/\+0000$/, 'Z')) - Date.now()) / (365 * 86_400_000);
}
