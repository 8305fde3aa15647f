/** Which test files there are, and what each needs to run. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findImports } from '../test/architecture/imports.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** Run only when named: they take long, or need more than this machine. */
const ON_DEMAND = ['soak', 'e2e', 'chart', 'vm', 'image', 'vault', 'api-server', 'disaster'];

/** They take minutes, and begin first: nothing waits for one of them in the end. */
const LONG = ['test/rbd/kill-points.test.ts', 'test/faults/driver-killed.test.ts', 'test/demo/demo.test.ts'];

export interface TestFiles {
  /** Pure code: nothing is started for them. */
  readonly unit: readonly string[];
  /** They import the micro cluster, directly or not. */
  readonly ceph: readonly string[];
  /** `*.alone.test.ts`: like `ceph`, but nothing else may run meanwhile. */
  readonly alone: readonly string[];
}

/** Paths relative to the project's root. `wanted` is `folder/file`, `folder` or part of a file's name; none means all. */
export function findTestFiles(wanted: readonly string[]): TestFiles {
  const all = globSync('test/**/*.test.ts', { cwd: ROOT }).toSorted();
  const chosen = wanted.length === 0 ? all.filter((file) => !isOnDemand(file)) : wanted.flatMap((want) => matching(all, want));
  const files = [...new Set(chosen)];
  const alone = files.filter((file) => file.endsWith('.alone.test.ts'));
  const rest = files
    .filter((file) => !alone.includes(file))
    .toSorted((a, b) => Number(LONG.includes(b)) - Number(LONG.includes(a)));
  return { unit: rest.filter((file) => !needsCeph(file)), ceph: rest.filter((file) => needsCeph(file)), alone };
}

function matching(all: readonly string[], want: string): string[] {
  const name = want.replace(/^test\//, '').replace(/(\.test)?\.ts$/, '');
  const exact = all.filter((file) => file === `test/${name}.test.ts` || file.startsWith(`test/${name}/`));
  return exact.length > 0 ? exact : all.filter((file) => file.includes(name));
}

function isOnDemand(file: string): boolean {
  return ON_DEMAND.some((folder) => file.startsWith(`test/${folder}/`));
}

function needsCeph(file: string, seen = new Set<string>()): boolean {
  if (file.endsWith('test/support/micro-ceph.ts')) return true;
  if (seen.has(file) || !existsSync(join(ROOT, file))) return false;
  seen.add(file);
  return findImports(readFileSync(join(ROOT, file), 'utf8'))
    .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
    .some(({ specifier }) => needsCeph(join(dirname(file), specifier), seen));
}
