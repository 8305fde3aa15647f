/**
 * A node role in a process of its own, to be killed. It reads `{ stateDir, act, stage, publish }` from standard input,
 * says `began`, does what it was asked, says `done` and stays.
 */
import { text } from 'node:stream/consumers';
import { type PublishSpec, publish, type StageSpec, stage, unstage } from '#node';
import { aScope, hostAt } from './node-bed.ts';

export interface Order {
  readonly stateDir: string;
  readonly act: 'stage' | 'unstage';
  readonly stage: StageSpec;
  readonly publish: PublishSpec | undefined;
}

const order = JSON.parse(await text(process.stdin)) as Order; // from the test beside
const host = hostAt(order.stateDir);
setInterval(() => {}, 1000);
console.log('began');
if (order.act === 'stage') await stage(host, order.stage, aScope());
else await unstage(host, order.stage, aScope());
if (order.publish !== undefined) await publish(host, order.publish, aScope());
console.log('done');
