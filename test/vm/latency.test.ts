/** Mapping by sysfs beside mapping by Ceph's own program. It prints the figures; they are of an emulated machine. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { VmBed } from '../support/vm/node-bed.ts';

const ROUNDS = 5;
const bed = await VmBed.open();
after(() => bed[Symbol.asyncDispose]());
const { machine } = bed;

test('a volume is staged in less time than the program rbd takes to map it', async (context) => {
  await machine.useCeph(bed.ceph);
  const volume = await bed.image('timed', 64, { block: true });
  const spec = `${bed.pool.spec}/timed`;
  const noudev = ['--options', 'noudev'];
  const byStage = (): Promise<unknown> => bed.stage(volume);
  const byProgram = (): Promise<unknown> => machine.run('rbd', ['device', 'map', ...noudev, spec]);

  const staged: number[] = [];
  const mapped: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    staged.push(await timeOf(byStage));
    await bed.unstage(volume);
    mapped.push(await timeOf(byProgram));
    await machine.run('rbd', ['device', 'unmap', ...noudev, spec]);
  }

  const medians = [staged, mapped].map((times) => median(times.slice(1))); // The first loads the programs.
  context.diagnostic(`median of ${ROUNDS}: NodeStageVolume by sysfs ${medians[0]} ms, rbd device map ${medians[1]} ms`);
  assert.ok((medians[0] ?? 0) < (medians[1] ?? 0), String(medians));
});

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
