/** The operator is killed at each step of a planned move, in both directions: its successor ends the move, and nothing is lost. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorPool } from '../support/mirror/mirror-bed.ts';
import { condition, DisasterBed } from './disaster-bed.ts';

/** In the order in which a move takes them: intent at both, demote, promote, commit at both. */
const STEPS = ['write-truth', 'write-truth', 'demote', 'promote', 'write-truth', 'write-truth'] as const;

let bed: DisasterBed;
let pool: MirrorPool;
before(async () => {
  bed = await DisasterBed.start();
  pool = await bed.mirror.freshPool();
  await bed.createVolumes(pool, ['v', 'w']);
  await bed.apply(pool);
  await bed.until(pool, ({ volumes }) => volumes?.summary === '2/2');
});
after(async () => {
  await pool?.[Symbol.asyncDispose]();
  await bed?.[Symbol.asyncDispose]();
});

for (const [index, step] of STEPS.entries()) {
  test(`killed as it takes step ${index + 1} (${step}): the move is ended, and every byte is there`, async (t) => {
    const safe = await bed.until(pool, (status) => condition(status, 'SafeToSwitchover') === 'True Safe', 180);
    const [from, to] = safe.primarySite === 'east' ? [pool.east, pool.west] : [pool.west, pool.east];
    const epoch = (safe.epoch ?? 0) + 1;
    await from.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '2M', '--io-pattern', 'rand');
    const written = await from.pool.checksum('v');
    const before = steps().length;

    await bed.patch(pool, { primarySite: to.name, epoch });
    await untilSteps(before + index + 1);
    await bed.restartOperator();
    const killed = Date.now();
    await bed.until(pool, (status) => status.epoch === epoch, 300);

    t.diagnostic(`to ${to.name}, ended ${((Date.now() - killed) / 1000).toFixed(1)} s after the kill`);
    assert.equal(await to.pool.checksum('v'), written);
    const info = await Promise.all([from, to].map(({ pool: side }) => side.rbdJson('info', 'v')));
    assert.deepEqual(
      info.map((image) => (image as { mirroring: { primary: boolean } }).mirroring.primary),
      [false, true],
    );
  });
}

/** The steps that all operators so far said they take; peers and enabling are not of a move. */
function steps(): string[] {
  const lines = readFileSync(bed.operator.log, 'utf8').split('\n');
  return lines.flatMap((line) => /"step":"(write-truth|demote|promote)".*a step is taken/.exec(line)?.[1] ?? []);
}

async function untilSteps(count: number): Promise<void> {
  for (const end = Date.now() + 180_000; steps().length < count; await sleep(5)) {
    if (Date.now() > end) throw new Error(`the operator took ${steps().length} steps of ${count}`);
  }
}
