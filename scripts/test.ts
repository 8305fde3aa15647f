/**
 * Runs the tests: `test.ts [--unit] [folder/file …]`. Starts one micro Ceph cluster for those that need it, and ends it
 * however this ends. Exit code 0 when all passed; the last line is `N passed, N failed`.
 */
import { buildPrograms, silently } from '../test/support/kubernetes/binaries.ts';
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { step } from './step.ts';
import { findTestFiles } from './test-files.ts';
import { TestRun } from './test-run.ts';

/** No test file may take longer, in milliseconds: one that needs nothing started, and one that needs Ceph. */
const UNIT_TIMEOUT = process.env['LOLIGO_SOAK'] === '1' ? 30 * 60_000 : 300_000;
const CEPH_TIMEOUT = process.env['LOLIGO_SOAK'] === '1' ? 120 * 60_000 : 10 * 60_000;

const unitOnly = process.argv.includes('--unit');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const tests = new TestRun('test');

const files = findTestFiles(wanted);
const needCeph = unitOnly ? [] : [...files.ceph, ...files.alone];
if (files.unit.length + needCeph.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`);
  process.exit(1);
}

// Their own time is for running it: the first build takes minutes.
if (files.unit.some((file) => file.startsWith('test/chart/'))) await step('helm', () => buildPrograms(silently, ['helm']));
await tests.runFiles(files.unit, { concurrency: 2, timeout: UNIT_TIMEOUT });
if (needCeph.length > 0 && !tests.stopped) await runWithCeph();
tests.summarize();

async function runWithCeph(): Promise<void> {
  await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start());
  await step('pool rbd, where tests have a namespace each', () => ceph.freshPool('rbd'));
  process.env['LOLIGO_TEST_CEPH'] = ceph.dir;
  await tests.runFiles(files.ceph, { concurrency: 4, timeout: CEPH_TIMEOUT });
  await tests.runFiles(files.alone, { concurrency: 1, timeout: CEPH_TIMEOUT });
  if (tests.failed > 0) console.log(`\nThe daemons' logs: ${ceph.keepLogs()}`);
}
