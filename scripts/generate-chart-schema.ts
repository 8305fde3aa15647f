/**
 * Makes the schema of the chart's values: every value is in it, with what it is, and no other is allowed.
 *
 *     node scripts/generate-chart-schema.ts            writes it
 *     node scripts/generate-chart-schema.ts --check    fails when what is there differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { classes, clusters } from './chart-schema/classes.ts';
import { object, ofKubernetes } from './chart-schema/forms.ts';
import { surroundings } from './chart-schema/surroundings.ts';
import { workloads } from './chart-schema/workloads.ts';

const path = resolve(import.meta.dirname, '../charts/loligo/values.schema.json');
const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Values of the chart loligo',
  ...object('Made by make update from scripts/chart-schema and the table of parameters.', {
    ...workloads,
    ...clusters,
    ...classes,
    ...surroundings,
    global: ofKubernetes('What a chart above this one shares with all of its parts; not read here.'),
  }),
};
const content = `${JSON.stringify(schema, null, 2)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(path, content);
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== content) {
  process.stderr.write('charts/loligo/values.schema.json is stale: run make update\n');
  process.exitCode = 1;
}
