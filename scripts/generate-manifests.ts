/**
 * Makes manifests/loligo.yaml from the chart, for those who do not use helm.
 *
 *     node scripts/generate-manifests.ts            writes it, with helm; nothing to do when it is up to date
 *     node scripts/generate-manifests.ts --check    fails when the chart or its values are others than it was made of
 *
 * The file begins with a digest of what it was made of and one of what it says, so that the check needs no helm;
 * test/chart renders it again with helm and compares every line.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { CHART, KUBE_VERSION, renderChart } from './helm.ts';

const MANIFESTS = resolve(import.meta.dirname, '../manifests');
const OUTPUT = join(MANIFESTS, 'loligo.yaml');
const VALUES = join(MANIFESTS, 'values.yaml');
const HEAD = '# Made by make update from charts/loligo and manifests/values.yaml. Do not edit.\n';

/** What the file has to be; rendered with helm. */
export async function manifestText(): Promise<string> {
  const body = (await renderChart([VALUES], ['--no-hooks'])).replaceAll(
    'app.kubernetes.io/managed-by: Helm',
    'app.kubernetes.io/managed-by: kustomize',
  );
  return `${HEAD}# made of: ${digestOfSources()}\n# says: ${digest(body)}\n${body}`;
}

function digestOfSources(): string {
  const files = globSync('**/*', { cwd: CHART, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const parts = [...files, VALUES].map((file) => `${relative(CHART, file)} ${digest(readFileSync(file, 'utf8'))}`);
  return digest([KUBE_VERSION, ...parts].join('\n'));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Undefined when the file is what it has to be. */
function complaint(): string | undefined {
  if (!existsSync(OUTPUT)) return 'is missing';
  const text = readFileSync(OUTPUT, 'utf8');
  const [, made, says, body = ''] = /^# Made by [^\n]+\n# made of: (\w+)\n# says: (\w+)\n([\s\S]*)$/.exec(text) ?? [];
  if (made !== digestOfSources()) return 'is stale';
  return says === digest(body) ? undefined : 'was edited by hand';
}

if (import.meta.main) {
  const wrong = complaint();
  if (wrong !== undefined && process.argv.includes('--check')) {
    process.stderr.write(`manifests/loligo.yaml ${wrong}: run make update\n`);
    process.exitCode = 1;
  } else if (wrong !== undefined) {
    writeFileSync(OUTPUT, await manifestText());
  }
}
