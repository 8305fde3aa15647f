/** What every commit passes: lint and format, types, architecture, generated files. All are run, also after a failure. */
import { globSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { ProgramError, runProgram } from '../test/support/ceph/program.ts';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
process.chdir(ROOT);

type Check = readonly [name: string, program: string, ...args: string[]];

const CHECKS: readonly Check[] = [
  ['lint and format (Biome)', 'biome', 'check', '--error-on-warnings'],
  ['types (tsc)', 'tsc', '-p', '.'],
  ['architecture', 'node', '--test', '--test-reporter=dot', 'test/architecture/architecture.test.ts'],
  ...globSync('scripts/generate-*.ts').map((script): Check => [`generated: ${basename(script)}`, 'node', script, '--check']),
];

let failed = 0;
for (const [name, program, ...args] of CHECKS) {
  try {
    await step(name, () => runProgram(program, args));
  } catch (error) {
    failed += 1;
    if (!(error instanceof ProgramError)) throw error;
    process.stdout.write(`${error.stdout}${error.stderr}\n`);
  }
}
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
