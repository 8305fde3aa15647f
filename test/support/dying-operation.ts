/** One operation in a process that kills itself at a moment, as `died-at.ts` starts it. Says how it ended on stdout. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize } from 'node:v8';
import { connect, Native } from '#ceph';
import { type Identity, runOperation, Site } from '#rbd';
import type { Death } from './died-at.ts';
import { aScope } from './engine-bed.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk);
// What `died-at.ts` serialized.
const death = deserialize(Buffer.concat(chunks)) as Death & {
  monitors: readonly string[];
  key: string;
  identity: Identity;
};

let calls = 0;
let counting = false;
const native = new Native({
  begun(name) {
    if (!counting) return;
    calls += 1;
    if (death.call !== name && calls !== death.call) return;
    if (death.after === undefined) process.kill(process.pid, 'SIGKILL');
    else setTimeout(() => process.kill(process.pid, 'SIGKILL'), death.after);
  },
  ended: () => undefined,
});

const options = { rados_osd_op_timeout: '30' };
const cluster = await connect(native, { monitors: death.monitors, user: 'admin', key: death.key, options });
process.stdout.write(`${cluster.addresses()}\n`);
if (death.gate !== undefined) writeFileSync(`${death.gate}.reached`, '');
while (death.gate !== undefined && !existsSync(death.gate)) await sleep(5);
counting = true;
await runOperation(new Site(cluster, death.identity), death.operation, death.args as never, aScope());
counting = false;
await cluster[Symbol.asyncDispose]();
