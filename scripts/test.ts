/**
 * Runs the tests: `test.ts [--unit] [folder/file …]`. Starts one micro Ceph cluster for those that need it, and ends it
 * however this ends. Exit code 0 when all passed; the last line is `N passed, N failed`.
 */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { step } from './step.ts';
import { findTestFiles } from './test-files.ts';

/** No test file may take longer, in milliseconds: one that needs nothing started, and one that needs Ceph. */
const UNIT_TIMEOUT = 120_000;
const CEPH_TIMEOUT = process.env['LOLIGO_SOAK'] === '1' ? 120 * 60_000 : 10 * 60_000;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  readonly failedFiles: Set<string>;
}

const unitOnly = process.argv.includes('--unit');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const tally: Tally = { passed: 0, failed: 0, skipped: 0, failedFiles: new Set() };
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => (stopping.signal.aborted ? process.exit(130) : stopping.abort()));
}

const files = findTestFiles(wanted);
const needCeph = unitOnly ? [] : [...files.ceph, ...files.alone];
if (files.unit.length + needCeph.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`);
  process.exit(1);
}

await runFiles(files.unit, { concurrency: 2, timeout: UNIT_TIMEOUT });
if (needCeph.length > 0 && !stopping.signal.aborted) await runWithCeph();
summarize();

async function runWithCeph(): Promise<void> {
  await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start());
  await step('pool rbd, where tests have a namespace each', () => ceph.freshPool('rbd'));
  process.env['LOLIGO_TEST_CEPH'] = ceph.dir;
  await runFiles(files.ceph, { concurrency: 2, timeout: CEPH_TIMEOUT });
  await runFiles(files.alone, { concurrency: 1, timeout: CEPH_TIMEOUT });
  if (tally.failed > 0) console.log(`\nThe daemons' logs: ${ceph.keepLogs()}`);
}

/** `concurrency` counts files; the tests of one file run in order. */
async function runFiles(paths: readonly string[], limits: { concurrency: number; timeout: number }): Promise<void> {
  if (paths.length === 0 || stopping.signal.aborted) return;
  const execArgv = ['--import', new URL('../test/support/orphan-guard.ts', import.meta.url).href];
  const events = run({ files: [...paths], ...limits, signal: stopping.signal, execArgv });
  events.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return; // the sum of all follows
    tally.passed += counts.passed;
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    tally.skipped += counts.skipped;
  });
  events.on('test:fail', ({ file, todo }) => {
    if (file !== undefined && todo === undefined) tally.failedFiles.add(file);
  });
  for await (const text of events.compose(spec)) process.stdout.write(text);
}

function summarize(): void {
  if (tally.failedFiles.size > 0) console.log('\nTo run what failed again:');
  for (const file of tally.failedFiles) {
    console.log(`  make test T=${file.replace(/^.*\/test\//, '').replace(/\.test\.ts$/, '')}`);
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  const stopped = stopping.signal.aborted ? ', stopped' : '';
  console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}${stopped}`);
  process.exitCode = stopping.signal.aborted ? 130 : tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}
