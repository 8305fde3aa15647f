/** One process at a time: a file that names its holder. What a killed holder left is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { livingPid, processIdentity } from '../process-identity.ts';
import { until } from './waiting.ts';

const PATIENCE = 120_000; // milliseconds

export async function whileLocked<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = `${file}-${process.pid}`;
  writeFileSync(mine, processIdentity(process.pid) ?? '');
  await until(() => take(file, mine), { what: `${file} is free`, timeout: PATIENCE, interval: 50 });
  rmSync(mine);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string, mine: string): boolean {
  try {
    linkSync(mine, file); // with its content at once, and not over another's
    return true;
  } catch {
    if (livingPid(holderOf(file)) === undefined) dropStale(file);
    return false;
  }
}

/** Moved away first: of two who saw it stale, the second must not remove the first one's new lock. */
function dropStale(file: string): void {
  const aside = `${file}-stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (livingPid(holderOf(aside)) !== undefined) renameSync(aside, file);
    rmSync(aside, { force: true });
  } catch {
    // Another was faster.
  }
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
