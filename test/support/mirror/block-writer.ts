/**
 * A client that writes blocks one after another, through qemu's own librbd and without any cache, and knows which were acknowledged. It
 * stops only when it is told to, or when the volume is taken from it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestPool } from '../micro-ceph.ts';

const BLOCK = 64 * 1024;

/** What a volume must hold, block by block: each is full of one byte. */
export class Written {
  readonly blocks: Uint8Array;
  /** How many writes were acknowledged. */
  count = 0;
  /** When, each. */
  readonly times: number[] = [];
  /** The last one that was asked for and not acknowledged: it may be there. */
  open: { readonly block: number; readonly byte: number } | undefined;

  constructor(size: bigint) {
    this.blocks = new Uint8Array(Number(size) / BLOCK);
  }

  /** Goes back to the state after so many writes: the others are lost. */
  forgetAfter(count: number): void {
    this.count = count;
    this.times.length = count;
    this.open = undefined;
    this.blocks.fill(0);
    for (let number = 0; number < count; number += 1) {
      const { block, byte } = writeNumber(number, this.blocks.length);
      this.blocks[block] = byte;
    }
  }

  /** How many of the writes, which follow each other, are there. */
  async countAt(pool: TestPool, image: string): Promise<number> {
    const content = await contentOf(pool, image);
    for (let count = this.count; count > 0; count -= 1) {
      const { block, byte } = writeNumber(count - 1, this.blocks.length);
      if (isFull(content.subarray(block * BLOCK, (block + 1) * BLOCK), byte)) return count;
    }
    return 0;
  }

  /** Throws with the first block that is not as it was acknowledged. An open write is closed by what is found. */
  async checkAt(pool: TestPool, image: string): Promise<void> {
    const content = await contentOf(pool, image);
    for (const [block, byte] of this.blocks.entries()) {
      const found = content.subarray(block * BLOCK, (block + 1) * BLOCK);
      const isOpen = this.open?.block === block && isFull(found, this.open.byte);
      if (isOpen) this.blocks[block] = this.open?.byte ?? 0;
      if (isOpen || isFull(found, byte)) continue;
      throw new Error(`block ${block} has ${found[0]}…${found.at(-1)} and was acknowledged as ${byte}, of ${this.count} writes`);
    }
    this.open = undefined;
  }
}

async function contentOf(pool: TestPool, image: string): Promise<Buffer> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'loligo-export-'));
  const path = join(folder.path, 'image');
  await pool.rbd('export', '--no-progress', image, path);
  return await readFile(path);
}

/** A later round through the volume writes other bytes, for some two dozen rounds. */
function writeNumber(count: number, blocks: number): { readonly block: number; readonly byte: number } {
  return { block: count % blocks, byte: (count % 251) + 1 };
}

function isFull(bytes: Uint8Array, byte: number): boolean {
  return bytes.length === BLOCK && bytes.every((one) => one === byte);
}

export class BlockWriter {
  readonly #child: ChildProcess;
  readonly #written: Written;
  readonly #over: Promise<void>;
  #stopped = false;
  #complaint = '';

  /** Writes from now on; goes through the volume again and again. */
  constructor(pool: TestPool, image: string, written: Written) {
    this.#written = written;
    const target = `rbd:${pool.spec}/${image}:conf=${pool.ceph.conf}`;
    this.#child = spawn('qemu-io', ['-f', 'raw', '-t', 'none', target], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint += chunk.toString();
    });
    this.#over = this.#run();
    // Whoever stops it is told.
    this.#over.catch(() => undefined);
  }

  /** Ends after the write that is under way, as a pod that is deleted does. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#over;
  }

  /** As when its machine loses power. */
  async kill(): Promise<void> {
    this.#stopped = true;
    this.#child.kill('SIGKILL');
    await this.#over;
  }

  async #run(): Promise<void> {
    const { stdin, stdout } = this.#child;
    if (stdin === null || stdout === null) throw new TypeError('it has pipes');
    const ended = once(this.#child, 'close');
    stdin.on('error', () => undefined);
    this.#next();
    for await (const line of createInterface(stdout)) {
      if (!line.includes(`wrote ${BLOCK}/${BLOCK}`)) continue;
      const { open } = this.#written;
      if (open !== undefined) this.#written.blocks[open.block] = open.byte;
      this.#written.open = undefined;
      this.#written.count += 1;
      this.#written.times.push(Date.now());
      if (this.#stopped) stdin.end('quit\n');
      else this.#next();
    }
    await ended;
    if (!this.#stopped) throw new Error(`the writer ended by itself: ${this.#complaint}`);
  }

  #next(): void {
    const { count, blocks } = this.#written;
    const open = writeNumber(count, blocks.length);
    this.#written.open = open;
    this.#child.stdin?.write(`write -P ${open.byte} ${open.block * BLOCK} ${BLOCK}\n`);
  }
}
