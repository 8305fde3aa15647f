/**
 * Makes the pages of docs/ whose source is a table in code.
 *
 *     node scripts/generate-docs.ts            writes them
 *     node scripts/generate-docs.ts --check    fails when what is there differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parametersPage } from '#csi';
import { metricsPage } from '#observability';

const docs = resolve(import.meta.dirname, '../docs');
const pages = { 'parameters.md': parametersPage(), 'metrics.md': metricsPage() };

for (const [name, page] of Object.entries(pages)) {
  const path = join(docs, name);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, page);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== page) {
    process.stderr.write(`docs/${name} is stale: run make update\n`);
    process.exitCode = 1;
  }
}
