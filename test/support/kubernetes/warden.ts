/** Takes a cluster down when its owner ended without doing so, be it by SIGKILL: a process beside it, which waits for that. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { livingPid } from '../process-identity.ts';
import { readRecord } from './record.ts';
import { tearDown } from './tear-down.ts';

const LOOK = 500; // milliseconds

export function startWarden(dir: string, owner: string): void {
  // Its own session: what ends the owner's group must not end it.
  spawn(process.execPath, [import.meta.filename, dir, owner], { detached: true, cwd: '/', stdio: 'ignore' }).unref();
}

/** Until the cluster was taken down, or has another owner. */
async function watch(dir: string, owner: string): Promise<void> {
  while (readRecord(dir)?.owner === owner) {
    if (livingPid(owner) === undefined) await tearDown(dir, (record) => record.owner === owner);
    else await sleep(LOOK);
  }
}

const [, , dir = '', owner = ''] = process.argv;
if (import.meta.main) await watch(dir, owner);
