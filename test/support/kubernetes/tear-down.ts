/** Takes a cluster down, in whatever state it is: nothing of it stays but what others made. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tearDown as tearDownCeph } from '../ceph/bring-up.ts';
import { livingPid, signalProcess } from '../process-identity.ts';
import { dropCgroup } from './cgroups.ts';
import { Host } from './host.ts';
import { whileLocked } from './lock.ts';
import { detachLoops, loopsOf } from './loops.ts';
import { CONTROL, type KubeRecord, readRecord } from './record.ts';
import { until } from './waiting.ts';

/** Nothing to do when there is no cluster in `dir`, or it is not one that is meant. Who comes second waits for the first. */
export async function tearDown(dir: string, isMeant: (record: KubeRecord) => boolean = () => true): Promise<void> {
  if (readRecord(dir) === undefined) return;
  await whileLocked(`${dir}.lock`, async () => {
    const record = readRecord(dir);
    if (record !== undefined && isMeant(record)) await takeDown(dir, record);
  });
}

/** Whether the process without which a cluster is nobody's has ended. */
export function isOrphan({ owner }: KubeRecord): boolean {
  return livingPid(owner) === undefined;
}

async function takeDown(dir: string, record: KubeRecord): Promise<void> {
  const nodes = record.nodes.flatMap((name) => findHost(join(dir, name)));
  const loops = await loopsOf(nodes, dir); // what a loop device is of shows only while the node still runs
  endForwarder(dir);
  for (const node of nodes) await node.end();
  await detachLoops(loops);
  if (existsSync(join(dir, 'ceph'))) await tearDownCeph(join(dir, 'ceph'));
  for (const control of findHost(join(dir, CONTROL))) await control.end();
  // The last processes of a group leave it a moment after they ended.
  const dropped = (): boolean => {
    dropCgroup(record.cgroup);
    return true;
  };
  await until(dropped, { what: `control group ${record.cgroup} is empty`, timeout: 20_000 });
  rmSync(dir, { recursive: true, force: true });
}

/** Takes down the clusters below `run` whose owner is gone. Others' are not touched. */
export async function sweepClusters(run: string): Promise<void> {
  if (!existsSync(run)) return;
  for (const name of readdirSync(run)) {
    const record = readRecord(join(run, name));
    if (record !== undefined && isOrphan(record)) await tearDown(join(run, name), isOrphan);
  }
}

function findHost(dir: string): readonly Host[] {
  return existsSync(join(dir, 'host.json')) ? [Host.attach(dir)] : [];
}

function endForwarder(dir: string): void {
  const file = join(dir, 'forwarder.pid');
  if (existsSync(file)) signalProcess(readFileSync(file, 'utf8'), 'SIGKILL');
}
