/** The chart, and the helm that it is rendered with: that of the Kubernetes test bed, built once from its Go module. */
import { join, resolve } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';
import { buildPrograms, programPath, silently } from '../test/support/kubernetes/binaries.ts';
import { KUBE_VERSION as TESTED_VERSION } from '../test/support/kubernetes/places.ts';

const ROOT = resolve(import.meta.dirname, '..');
export const CHART = join(ROOT, 'charts/loligo');
/** What the chart is rendered for: helm built from its module takes itself for 1.20 when it asks no cluster. */
export const KUBE_VERSION = TESTED_VERSION.replace(/^v/, '');

const RUN_TIMEOUT = 60_000; // milliseconds

let built: Promise<void> | undefined;

/** Runs helm to its end. Throws `ProgramError` with what it said. */
export async function helm(...args: readonly string[]): Promise<string> {
  built ??= buildPrograms(silently, ['helm']);
  await built;
  return runProgram(programPath('helm'), args, { timeout: RUN_TIMEOUT });
}

/** Everything that the chart makes, as YAML; `values` are files, later ones win. */
export function renderChart(values: readonly string[], settings: readonly string[] = []): Promise<string> {
  const from = values.flatMap((file) => ['--values', file]);
  return helm('template', 'loligo', CHART, '--namespace', 'loligo', '--kube-version', KUBE_VERSION, ...from, ...settings);
}
