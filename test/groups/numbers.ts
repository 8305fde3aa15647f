/** A program that writes numbers to volumes in turn, and what an image shows of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPool } from '../support/micro-ceph.ts';
import { SLOT, SLOTS, slotsAfter } from './number-layout.ts';

const PROGRAM = join(import.meta.dirname, 'write-numbers.ts');

export class NumberWriter implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #last = 0;
  #longestMs = 0;

  constructor(devices: readonly string[]) {
    const child = spawn(process.execPath, [PROGRAM, ...devices], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    this.#ended = once(child, 'close');
    createInterface(child.stdout).on('line', (line) => {
      [this.#last = 0, this.#longestMs = 0] = line.split(' ').map(Number);
    });
  }

  /** Resolves when it has written a few numbers more. */
  async goesOn(): Promise<void> {
    for (const before = this.#last; this.#last < before + 3; ) {
      this.#checkAlive();
      await sleep(10);
    }
  }

  /** Throws when a write of its has failed. */
  async stop(): Promise<{ readonly last: number; readonly longestMs: number }> {
    this.#checkAlive();
    this.#process.kill('SIGTERM');
    await this.#ended;
    if (this.#process.exitCode !== 0) throw this.#failure();
    return { last: this.#last, longestMs: this.#longestMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #checkAlive(): void {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) throw this.#failure();
  }

  #failure(): Error {
    return new Error(`the writer ended with ${this.#process.exitCode ?? this.#process.signalCode}`);
  }
}

/** The last number written to the image; throws when its slots are not those of one moment. */
export async function lastNumberOf(pool: TestPool, image: string): Promise<number> {
  const slots = await readSlots(pool, image);
  const last = Math.max(...slots);
  const wanted = slotsAfter(last);
  if (slots.join() !== wanted.join()) throw new Error(`${image} shows ${slots.join()} where a moment would show ${wanted.join()}`);
  return last;
}

async function readSlots(pool: TestPool, image: string): Promise<number[]> {
  const file = join(pool.ceph.dir, `export-${image}`);
  try {
    await pool.rbd('export', '--no-progress', image, file);
    await using exported = await open(file);
    const number = Buffer.alloc(4);
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot += 1) {
      await exported.read(number, 0, 4, slot * SLOT);
      slots.push(number.readUInt32LE());
    }
    return slots;
  } finally {
    await rm(file, { force: true });
  }
}
