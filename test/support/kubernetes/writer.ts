/**
 * A pod that writes and syncs numbered blocks to a volume all the time, and tells of each that failed. What it wrote tells
 * the rest: block n is the n-th line of its file, with the second of the machine's life in which it was written.
 */
import assert from 'node:assert/strict';
import { pod } from './objects.ts';
import type { TestNamespace } from './test-namespace.ts';

const BLOCK = 64; // bytes, newline included
/** One turn: write at the block's place, sync, count. dd fails when either does. */
const SCRIPT = `n=$(($(wc -c < /data/blocks) / ${BLOCK})); while :; do read -r now rest < /proc/uptime
  printf '%-${BLOCK - 1}s\\n' "$n $now" | dd of=/data/blocks bs=${BLOCK} seek=$n conv=notrunc,fsync 2> /tmp/said || { echo "block $n: $(cat /tmp/said)"; }
  n=$((n + 1)); done`;

export class Writer {
  readonly namespace: TestNamespace;
  readonly name: string;
  #container = '';

  private constructor(namespace: TestNamespace, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  /** Starts it on a node, with a claim that is there. It goes on where one before it has ended. */
  static async start(namespace: TestNamespace, name: string, { node, claim }: { node: string; claim: string }): Promise<Writer> {
    const command = ['sh', '-c', `touch /data/blocks; ${SCRIPT}`];
    await namespace.apply(pod(name, { node, claims: { '/data': claim }, command }));
    await namespace.untilReady(name, 120_000);
    const writer = new Writer(namespace, name);
    writer.#container = await writer.#running();
    await writer.untilFurther();
    return writer;
  }

  /** How many blocks there are. */
  async count(): Promise<number> {
    return Number(await this.namespace.exec(this.name, 'sh', '-c', 'wc -c < /data/blocks')) / BLOCK;
  }

  /** Until it has written some more. */
  async untilFurther(): Promise<void> {
    const now = await this.count().catch(() => 0);
    await this.namespace.until(async () => (await this.count()) > now + 5, { what: `${this.name} goes on writing` });
  }

  /**
   * Not one write failed, no block is missing, the container is the one of the start, and it still writes. Gives the
   * longest time in seconds in which nothing was written since the block `since`.
   */
  async check(since = 0): Promise<{ readonly count: number; readonly longestGap: number }> {
    await this.untilFurther();
    assert.equal(await this.namespace.kubectl('logs', this.name), '', 'writes failed');
    assert.equal(await this.#running(), this.#container, 'the pod was restarted');
    const blocks = (await this.namespace.exec(this.name, 'cat', '/data/blocks')).split('\n').slice(0, -1);
    const times = blocks.map((block, index) => {
      const [number, time] = block.trim().split(' ');
      assert.equal(number, String(index), `block ${index} is "${block.trim()}"`);
      return Number(time);
    });
    const gaps = times.slice(since + 1).map((time, index) => time - (times[since + index] ?? time));
    return { count: blocks.length, longestGap: Math.max(...gaps) };
  }

  /** Which container it is, and how often it was begun. */
  async #running(): Promise<string> {
    return await this.namespace.field(
      `pod/${this.name}`,
      '{.metadata.uid} {.status.containerStatuses[*].containerID} {.status.containerStatuses[*].restartCount}',
    );
  }
}
