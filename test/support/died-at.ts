/** Kill points: an operation of the engine in a process of its own that kills itself (SIGKILL) at a certain C call. */
import { spawn } from 'node:child_process';
import { serialize } from 'node:v8';
import type { FunctionName } from '#ceph';
import type { Engine } from '#rbd';
import { adminKey, type Bed } from './engine-bed.ts';
import type { TestPool } from './micro-ceph.ts';

export interface Death {
  readonly operation: keyof Engine;
  readonly args: unknown;
  /** The how-manieth call to librados or librbd that may block, counted from 1 after the connection; or its name, for the first of that. */
  readonly call: number | FunctionName;
  /** Milliseconds after the call began; undefined for right before it. */
  readonly after?: number | undefined;
  /** A file that it waits for, connected, before it begins; it makes `<gate>.reached`. */
  readonly gate?: string;
  /** `left`: nobody was there to cut the dead client off, as when a node loses power. */
  readonly client?: 'cut off' | 'left';
}

/**
 * Runs it, and as the driver does for an agent that died, cuts the dead client off by its address. False when the
 * operation came to its end alive.
 */
export async function diedAt(pool: TestPool, bed: Bed, death: Death): Promise<boolean> {
  const input = serialize({ ...death, identity: bed.site.identity, monitors: pool.ceph.monitors, key: await adminKey(pool.ceph) });
  const { address, signal, complaint } = await runChild(input);
  if (signal === 'SIGKILL' && death.client === 'left') return true;
  if (signal === 'SIGKILL') {
    await bed.site.cluster.blocklist(address, 600);
    await bed.site.cluster.waitForLatestMap();
    return true;
  }
  if (complaint !== '') throw new Error(`${death.operation} failed in a process of its own: ${complaint}`);
  return false;
}

function runChild(input: Buffer): Promise<{ address: string; signal: NodeJS.Signals | null; complaint: string }> {
  const program = new URL('./dying-operation.ts', import.meta.url).pathname;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { env: { ...process.env, UV_THREADPOOL_SIZE: '16' } });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const complaint = code === 0 ? '' : err.join('');
      resolve({ address: out.join('').trim(), signal, complaint: signal === null ? complaint : '' });
    });
    child.stdin.end(input);
  });
}
