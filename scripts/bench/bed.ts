/** What the measurements stand on: a micro cluster, the shipped program as a controller, and plain librbd beside it. */
import { join } from 'node:path';
import { runProgram } from '../../test/support/ceph/program.ts';
import { type ClusterEntry, Driver } from '../../test/support/driver.ts';
import { MicroCeph, type TestPool } from '../../test/support/micro-ceph.ts';
import { step } from '../step.ts';
import { PlainLibrbd, ThroughGrpc } from './sides.ts';

export const PROGRAM = join(import.meta.dirname, '../../dist/bin/loligo.js');

export interface Bed {
  readonly ceph: MicroCeph;
  readonly pool: TestPool;
  readonly clusters: Readonly<Record<string, ClusterEntry>>;
  readonly driver: Driver;
  readonly ours: ThroughGrpc;
  readonly plain: PlainLibrbd;
}

/** Everything is put on the stack, which takes it down in reverse. */
export async function makeBed(stack: AsyncDisposableStack): Promise<Bed> {
  await step('bundle', () => runProgram(process.execPath, [join(import.meta.dirname, '../build.ts')]));
  const ceph = stack.use(await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start()));
  const pool = await step('pool', () => ceph.freshPool());
  const key = (await ceph.ceph('auth', 'print-key', 'client.admin')).trim();
  const clusters = { prod: { monitors: ceph.monitors, user: 'admin', key } };
  const driver = stack.use(await Driver.start({ role: 'controller', clusters, program: PROGRAM }));
  // Left behind by a signal, it would go on without its cluster.
  process.once('exit', () => driver.signal('SIGTERM'));
  const ours = new ThroughGrpc(driver, pool.place);
  await ours.run({ act: 'create', series: 'first', count: 1, atOnce: 1 });
  const plain = stack.use(await PlainLibrbd.start(ceph, pool.place));
  return { ceph, pool, clusters, driver, ours, plain };
}

/** The controller and the agent that serves its calls; the reaper's own agent comes and goes. */
export function servingPids({ driver }: Bed): number[] {
  return [driver.pid, ...driver.agents().slice(0, 1)];
}
