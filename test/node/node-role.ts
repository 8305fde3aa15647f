/**
 * A node role in a process of its own, to be killed. It reads an order from standard input, says `began`, does what it was
 * asked, says `done` and stays.
 */
import { text } from 'node:stream/consumers';
import { type PublishSpec, publish, type StageSpec, stage, unpublish, unstage } from '#node';
import { aScope, hostAt } from './node-bed.ts';

export interface Order {
  readonly stateDir: string;
  /** Of the mapper role, which then keeps the daemons. */
  readonly mapperSocket?: string;
  readonly act: 'stage' | 'unstage';
  readonly stage: StageSpec;
  /** What is published after staging, or unpublished before unstaging. */
  readonly publish: Omit<PublishSpec, 'stageSpec'> | undefined;
}

const order = JSON.parse(await text(process.stdin)) as Order; // from the test beside
const host = hostAt(order.stateDir, order.mapperSocket);
const { volume } = order.stage;
setInterval(() => {}, 1000);
console.log('began');
if (order.act === 'stage') {
  await stage(host, order.stage, aScope());
  if (order.publish !== undefined) await publish(host, { ...order.publish, stageSpec: () => order.stage }, aScope());
} else {
  if (order.publish !== undefined) await unpublish(host, { volume, target: order.publish.target.path }, aScope());
  await unstage(host, order.stage, aScope());
}
console.log('done');
