/**
 * Runs the tests on a real Kubernetes: `e2e.ts [file …]`, files of test/e2e. Builds what is not up to date, brings one cluster
 * up for all of them, and takes it down however this ends. Exit code 0 when all passed.
 */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { upCluster } from './e2e-cluster.ts';
import { TestRun } from './test-run.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FILE_TIMEOUT = 20 * 60_000; // milliseconds

const wanted = process.argv.slice(2).map((name) => name.replace(/^(test\/)?e2e\//, '').replace(/(\.test)?\.ts$/, ''));
const all = globSync('test/e2e/*.test.ts', { cwd: ROOT }).toSorted();
const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((name) => file.includes(`/${name}`)));
if (files.length === 0) {
  console.error(`no test file of test/e2e matches ${wanted.join(' ')}`);
  process.exit(1);
}

const tests = new TestRun('e2e');
await runWithKube();
tests.summarize();

async function runWithKube(): Promise<void> {
  await using kube = await upCluster();
  process.env['LOLIGO_TEST_KUBE'] = kube.dir;
  // One file at a time: some stop parts of the cluster.
  await tests.runFiles(files, { concurrency: 1, timeout: FILE_TIMEOUT });
  if (tests.failed > 0) console.log(`\nThe daemons' logs: ${kube.keepLogs()}`);
}
