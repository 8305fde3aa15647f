/** One block volume on two nodes at once: what one writes, the other reads. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Driver } from '../support/driver.ts';
import { DriverBed } from '../support/driver-bed.ts';
import { hostRemains, removeHostRemains } from '../support/host-remains.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const MIB = 2 ** 20;
const CAPABILITY = { block: {}, accessMode: { mode: 'MULTI_NODE_MULTI_WRITER' } };

test('two nodes write in turn to one block volume, and each reads at once what the other wrote', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const volumeId = await bed.create('shared', { volumeCapabilities: [CAPABILITY] });
  await using first = await ANode.start(bed, 'first');
  await using second = await ANode.start(bed, 'second');
  const nodes = [first, second];
  for (const node of nodes) await node.stage(volumeId);
  const { watchers } = (await pool.rbdJson('status', 'shared')) as { watchers: unknown[] }; // what it prints

  const differing: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const [writer, reader] = round % 2 === 0 ? [first, second] : [second, first];
    const data = randomBytes(MIB);
    await writer.write(data, round % 3);
    const read = await reader.read(round % 3);
    if (read !== sha256(data)) differing.push(`round ${round}`);
  }
  for (const node of nodes) await node.unstage(volumeId);

  assert.equal(watchers.length, 2);
  assert.deepEqual(differing, []);
  for (const node of nodes) assert.deepEqual(node.leftovers(), []);
});

/** A node role with a state of its own, as on another machine. */
class ANode implements AsyncDisposable {
  readonly #bed: DriverBed;
  readonly #driver: Driver;

  private constructor(bed: DriverBed, driver: Driver) {
    this.#bed = bed;
    this.#driver = driver;
  }

  static async start(bed: DriverBed, name: string): Promise<ANode> {
    const dir = mkdtempSync(join(tmpdir(), `loligo-${name}-`));
    const clusters = { [bed.cluster]: bed.entry };
    return new ANode(bed, await Driver.start({ role: 'node', dir, clusters, options: { 'node-name': name } }));
  }

  get #device(): string {
    return join(this.#driver.dir, 'device');
  }

  get #staging(): string {
    return join(this.#driver.dir, 'staging');
  }

  async stage(volumeId: string): Promise<void> {
    const { nodeId } = await this.#driver.csi.call('NodeGetInfo', {});
    const asked = { volumeId, volumeCapability: CAPABILITY };
    const { publishContext } = await this.#bed.csi.call('ControllerPublishVolume', { ...asked, nodeId });
    const onNode = { ...asked, publishContext, stagingTargetPath: this.#staging };
    await this.#driver.csi.call('NodeStageVolume', onNode);
    await this.#driver.csi.call('NodePublishVolume', { ...onNode, targetPath: this.#device });
  }

  async unstage(volumeId: string): Promise<void> {
    await this.#driver.csi.call('NodeUnpublishVolume', { volumeId, targetPath: this.#device });
    await this.#driver.csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath: this.#staging });
  }

  async write(data: Buffer, mib: number): Promise<void> {
    const args = [`of=${this.#device}`, 'bs=1M', 'iflag=fullblock', 'oflag=direct', `seek=${mib}`, 'status=none'];
    await runProgram('dd', args, { input: data });
  }

  /** The checksum of that MiB, past the cache of this node. */
  async read(mib: number): Promise<string> {
    const args = [
      `if=${this.#device}`,
      `of=${this.#device}.read`,
      'bs=1M',
      'count=1',
      'iflag=direct',
      `skip=${mib}`,
      'status=none',
    ];
    await runProgram('dd', args);
    return (await runProgram('sha256sum', [`${this.#device}.read`])).split(' ')[0] ?? '';
  }

  leftovers(): readonly string[] {
    return hostRemains(this.#driver.dir, 'qemu-storage-daemon');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver.stop();
    removeHostRemains(this.#driver.dir);
  }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
