/**
 * A forced move and the return of the lost site, with the operator killed at each step, in both modes and directions: it converges, what
 * was copied is there, and the lines for the table of docs/disaster-recovery.md are printed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { condition, DisasterBed } from '../../disaster/disaster-bed.ts';
import type { Kind, MicroCeph } from '../../support/micro-ceph.ts';
import type { MirrorPool } from '../../support/mirror/mirror-bed.ts';

/** In their order: intent, force, commit at the site that is left; then the lost one is told, demoted, copied anew, and seen to be whole. */
const FORCED = [
  ['write-truth', 'left'],
  ['force', 'left'],
  ['write-truth', 'left'],
] as const;
const RETURN = [
  ['write-truth', 'lost'],
  ['demote', 'lost'],
  ['resync', 'lost'],
  ['write-truth', 'left'],
] as const;
type Steps = readonly (readonly [step: string, at: 'left' | 'lost'])[];
type Names = Readonly<Record<'left' | 'lost', string>>;
const ALL: readonly Kind[] = ['rbd-mirror', 'osd', 'mgr', 'mon'];

let bed: DisasterBed;
before(async () => {
  bed = await DisasterBed.start();
});
after(async () => await bed?.[Symbol.asyncDispose]());

for (const mode of ['Snapshot', 'Journal'] as const) {
  test(`${mode}: killed at each step of a forced move and of the return, over and back`, { timeout: 30 * 60_000 }, async () => {
    await using pool = await bed.mirror.freshPool();
    await bed.createVolumes(pool, ['v']);
    await bed.apply(pool, { mode, onReturn: 'Resync' });
    await bed.until(pool, ({ volumes }) => volumes?.summary === '1/1', 180);
    for (const epoch of [2, 3]) {
      const [from, to] = epoch === 2 ? [pool.east, pool.west] : [pool.west, pool.east];
      await bed.until(pool, (status) => condition(status, 'SafeToSwitchover') === 'True Safe', 300);
      await from.pool.rbd('bench', 'v', '--io-type', 'write', '--io-size', '64K', '--io-total', '2M', '--io-pattern', 'rand');
      const written = await from.pool.checksum('v');
      await bed.untilCopied(to, 'v', written);
      await bed.until(pool, ({ lag }) => lag !== undefined, 120);

      lose(from.ceph);
      const accepted = { epoch, upTo: '10m', unknown: true };
      await bed.patch(pool, { primarySite: to.name, epoch, acceptDataLoss: accepted });
      const line = (step: string, outcome: string): void => console.log(`| ${mode} | ${from.name} lost | ${step} | ${outcome} |`);
      const names = { left: to.name, lost: from.name };
      await killAtEach(FORCED, names, line);
      await bed.until(pool, (status) => status.epoch === epoch, 240);
      assert.equal(await to.pool.checksum('v'), written);
      line('the forced move', `epoch ${epoch}, primary at ${to.name}, every copied byte there`);

      await bed.mirror[to === pool.west ? 'west' : 'east'].restart('rbd-mirror');
      await comeBack(from.ceph);
      await killAtEach(RETURN, names, line);
      await bed.until(pool, ({ volumes, phase }) => phase === 'Steady' && volumes?.summary === '1/1', 300);
      assert.deepEqual(await primaries(pool), to === pool.west ? [false, true] : [true, false]);
      assert.equal(await to.pool.checksum('v'), written);
      line('the return', `safe again, ${from.name} is a copy`);
    }
  });
}

async function killAtEach(steps: Steps, names: Names, line: (step: string, outcome: string) => void): Promise<void> {
  let began = Date.now();
  let read = readFileSync(bed.operator.log, 'utf8').length;
  for (const [index, [step, at]] of steps.entries()) {
    read = await untilTaken(read, new RegExp(`"step":"${step}","at":"${names[at]}".*a step is taken`));
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    await bed.restartOperator();
    line(
      `${index + 1} ${step} at ${names[at]}`,
      `killed as it was taken, ${seconds} s after the kill before; its successor went on`,
    );
    began = Date.now();
  }
}

/** The operator says that it takes the step, behind what was read of its log. Gives how much of that there is. */
async function untilTaken(read: number, taken: RegExp): Promise<number> {
  for (const end = Date.now() + 240_000; ; await sleep(5)) {
    const text = readFileSync(bed.operator.log, 'utf8');
    if (taken.test(text.slice(read))) return text.length;
    if (Date.now() > end) throw new Error(`${taken} was not taken:\n${text.slice(-3000)}`);
  }
}

async function primaries(pool: MirrorPool): Promise<readonly boolean[]> {
  const info = await Promise.all([pool.east, pool.west].map(({ pool: side }) => side.rbdJson('info', 'v')));
  return info.map((image) => (image as { mirroring: { primary: boolean } }).mirroring.primary);
}

/** SIGSTOP: its addresses take connections, and nobody answers any more. */
function lose(ceph: MicroCeph): void {
  for (const kind of ALL) ceph.pause(kind);
}

async function comeBack(ceph: MicroCeph): Promise<void> {
  await Promise.allSettled(ALL.map((kind) => ceph.resume(kind)));
  // An OSD that was held still for long aborts itself.
  for (const kind of ['osd', 'rbd-mirror'] as const) await ceph.restart(kind);
}
