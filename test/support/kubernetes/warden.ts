/** Takes a cluster down when its owner ended without doing so, be it by SIGKILL: a process beside it, which waits for that. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { livingPid } from '../process-identity.ts';
import { readRecord } from './record.ts';
import { tearDown } from './tear-down.ts';

const LOOK = 500; // milliseconds

export function startWarden(dir: string): void {
  // Its own session: what ends the owner's group must not end it.
  spawn(process.execPath, [import.meta.filename, dir], { detached: true, cwd: '/', stdio: 'ignore' }).unref();
}

async function watch(dir: string): Promise<void> {
  for (let record = readRecord(dir); record !== undefined; record = readRecord(dir)) {
    if (livingPid(record.owner) === undefined) await tearDown(dir);
    else await sleep(LOOK);
  }
}

if (import.meta.main) await watch(process.argv[2] ?? '');
