/**
 * Runs the tests of the kernel path: `test-vm.ts [file …]`, files of test/vm. One Ceph cluster for all of them, in a network
 * of its own; each file boots its own machine there. Exit code 0 when all passed.
 */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { initramfs } from '../test/support/vm/initramfs.ts';
import { debianKernel } from '../test/support/vm/kernel.ts';
import { VmNetwork } from '../test/support/vm/network.ts';
import { csiSanity } from './csi-sanity.ts';
import { step } from './step.ts';
import { TestRun } from './test-run.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FILE_TIMEOUT = 30 * 60_000; // milliseconds; minutes when nothing else runs

const wanted = process.argv.slice(2).map((name) => name.replace(/^(test\/)?vm\//, '').replace(/(\.test)?\.ts$/, ''));
const all = globSync('test/vm/*.test.ts', { cwd: ROOT }).toSorted();
const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((name) => file.includes(`/${name}`)));
if (files.length === 0) {
  console.error(`no test file of test/vm matches ${wanted.join(' ')}`);
  process.exit(1);
}

const tests = new TestRun('test-vm');
await runBesideCeph();
tests.summarize();

async function runBesideCeph(): Promise<void> {
  await step("Debian's kernel, and a root for it", async () => initramfs(await debianKernel()));
  await step('csi-sanity built from its Go module', csiSanity);
  using network = await VmNetwork.start();
  await using ceph = await step('micro Ceph: mon, mgr, osd', () =>
    MicroCeph.start({ network, settings: { paxos_propose_interval: '0.1' } }),
  );
  await step('pool rbd, where tests have a namespace each', () => ceph.freshPool('rbd'));
  process.env['LOLIGO_TEST_CEPH'] = ceph.dir;
  process.env['LOLIGO_TEST_VM_NETWORK'] = network.namespace;
  // One file at a time: the machine takes both cores.
  await tests.runFiles(files, { concurrency: 1, timeout: FILE_TIMEOUT });
  if (tests.failed > 0) console.log(`\nThe daemons' logs: ${ceph.keepLogs()}`);
}
