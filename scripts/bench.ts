/**
 * Rates, latencies, memory and RADOS operations of the shipped program on a real Ceph, beside plain librbd.
 * `--quick` measures less of it, in a minute and a half.
 */
import { join } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';
import { makeBed } from './bench/bed.ts';
import { compareActs } from './bench/compare-acts.ts';
import { compareCreates } from './bench/compare-creates.ts';
import { measureDeletedSpace } from './bench/deleted-space.ts';
import { measureStarts, noteServing, showMemory } from './bench/footprint.ts';
import { measureScale } from './bench/scale.ts';

const quick = process.argv.includes('--quick');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

await using stack = new AsyncDisposableStack();
const bed = await makeBed(stack);
noteServing(bed, 'idle');
await measureStarts(bed, quick ? 3 : 5);
await compareCreates(bed, quick ? { runs: 5, count: 100 } : { runs: 5, count: 400 });
await compareActs(bed, quick);
await measureDeletedSpace(bed);
await measureScale(bed, quick ? 500 : 3000);
noteServing(bed, 'after it all');
showMemory();
if (!quick) await showOperations();

/** The test that holds the operations to their bounds prints the table. */
async function showOperations(): Promise<void> {
  const file = join(import.meta.dirname, '../test/rbd/operation-counts.test.ts');
  const text = await runProgram(process.execPath, ['--test', '--test-reporter=tap', file]);
  console.log('\nRADOS operations of each call, up to its answer, until the cluster is quiet, and the bound\n');
  console.log(
    text
      .split('\n')
      .filter((line) => /[┌│├└]/.test(line))
      .map((line) => line.replace(/^# /, '  '))
      .join('\n'),
  );
}
