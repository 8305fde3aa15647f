/** The helm that charts are rendered with: LOLIGO_HELM, else the one that the Kubernetes test bed has built. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';

export const CHART = resolve(import.meta.dirname, '../charts/loligo');
/** Helm built from its module takes itself for Kubernetes 1.20 when no cluster is asked. */
export const KUBE_VERSION = '1.36.3';
const TIMEOUT = 60_000; // milliseconds

/** Undefined when there is none. */
export function findHelm(): string | undefined {
  const cache = process.env['LOLIGO_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'loligo');
  const path = process.env['LOLIGO_HELM'] ?? join(cache, 'kubernetes/bin/helm');
  return existsSync(path) ? path : undefined;
}

/** Throws when there is none. */
export function getHelm(): string {
  const helm = findHelm();
  if (helm === undefined) throw new Error('helm is needed: set LOLIGO_HELM to its path, or run make e2e once, which builds it');
  return helm;
}

/** Everything that the chart makes, as YAML; `values` are files, later ones win. */
export function renderChart(values: readonly string[], settings: readonly string[] = []): Promise<string> {
  const from = values.flatMap((file) => ['--values', file]);
  const args = ['template', 'loligo', CHART, '--namespace', 'loligo', '--kube-version', KUBE_VERSION, ...from, ...settings];
  return runProgram(getHelm(), args, { timeout: TIMEOUT });
}
