/**
 * Writes our CustomResourceDefinitions to where they are installed from: one file each for helm, one with all of them for kubectl.
 *
 *     node scripts/generate-crds.ts            writes them
 *     node scripts/generate-crds.ts --check    fails when what is there differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinitions } from '#operator';

const ROOT = resolve(import.meta.dirname, '..');
const HEAD = '---\n# Made by make update from src/operator/resources. Do not edit.\n';

const definitions = [...customResourceDefinitions()].map(([name, definition]) => {
  const [plural = '', ...group] = name.split('.');
  const path = join(ROOT, 'charts/loligo/crds', `${group.join('.')}_${plural}.yaml`);
  return { path, text: stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false }) };
});
const all = { path: join(ROOT, 'manifests/crds.yaml'), text: definitions.map(({ text }) => text).join('---\n') };

for (const { path, text } of [...definitions, all]) {
  const content = `${HEAD}${text}`;
  if (!process.argv.includes('--check')) {
    writeFileSync(path, content);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== content) {
    process.stderr.write(`${relative(ROOT, path)} is stale: run make update\n`);
    process.exitCode = 1;
  }
}
