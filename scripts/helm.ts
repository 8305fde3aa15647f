/** The chart, and the helm that it is rendered with: the version that we are held to, built once from its Go module. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';

const ROOT = resolve(import.meta.dirname, '..');
export const CHART = join(ROOT, 'charts/loligo');
/** What the chart is rendered for: helm built from its module takes itself for 1.20 when it asks no cluster. */
export const KUBE_VERSION = '1.36.3';

const VERSION = 'v3.21.4';
const MODULE = `helm.sh/helm/v3/cmd/helm@${VERSION}`;
const BUILD_TIMEOUT = 20 * 60_000; // milliseconds; half a minute with a warm build cache
const RUN_TIMEOUT = 60_000;

/** The path of the program: LOLIGO_HELM, else the one of the Kubernetes test bed, else one that is built here (Go 1.21 or newer). */
export async function findHelm(): Promise<string> {
  const cache = process.env['LOLIGO_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'loligo');
  const program = join(ROOT, '.run/bin', `helm-${VERSION}`);
  const candidates = [process.env['LOLIGO_HELM'], join(cache, 'kubernetes/bin/helm'), program];
  return candidates.find((path) => path !== undefined && existsSync(path)) ?? (await build(program));
}

async function build(program: string): Promise<string> {
  const building = join(ROOT, '.run/bin', `building-${process.pid}`);
  mkdirSync(building, { recursive: true });
  const env = { GOBIN: building, GOFLAGS: '', CGO_ENABLED: '0' };
  await runProgram('go', ['install', '-trimpath', '-ldflags', '-s -w', MODULE], { env, timeout: BUILD_TIMEOUT });
  renameSync(join(building, 'helm'), program); // whole or not at all
  rmSync(building, { recursive: true });
  return program;
}

/** Runs helm to its end. Throws `ProgramError` with what it said. */
export async function helm(...args: readonly string[]): Promise<string> {
  return runProgram(await findHelm(), args, { timeout: RUN_TIMEOUT });
}

/** Everything that the chart makes, as YAML; `values` are files, later ones win. */
export function renderChart(values: readonly string[], settings: readonly string[] = []): Promise<string> {
  const from = values.flatMap((file) => ['--values', file]);
  return helm('template', 'loligo', CHART, '--namespace', 'loligo', '--kube-version', KUBE_VERSION, ...from, ...settings);
}
