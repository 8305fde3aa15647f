/** docs/privileges.md says what the pods may do; nothing more may be granted. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerRows, hostPathRows, podRows, ruleRows } from './privileges.ts';
import { ofKind, rendered, VALUE_SETS } from './rendered.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/privileges.md'), 'utf8');

test('docs/privileges.md has the pods as they are', async () => {
  assert.deepEqual(table('Pods', 4), podRows(await rendered('everything')).toSorted());
});

test('docs/privileges.md has the containers as they are', async () => {
  assert.deepEqual(table('Containers', 6), containerRows(await rendered('everything')).toSorted());
});

test("docs/privileges.md has the host's folders as they are", async () => {
  assert.deepEqual(table('Folders of the host', 4), hostPathRows(await rendered('everything')).toSorted());
});

test('docs/privileges.md has the rights in the API as they are, and says what each is for', async () => {
  const rows = table('Rights in the API', 7);

  assert.deepEqual(
    rows.map((row) => row.slice(0, 6)),
    ruleRows(await rendered('everything')).toSorted(),
  );
  assert.deepEqual(
    rows.filter((row) => row[6] === ''),
    [],
  );
});

test('no role has a wildcard, and none may read Secrets but those that values name', async () => {
  for (const set of VALUE_SETS) {
    const rows = ruleRows(await rendered(set));

    assert.deepEqual(
      rows.filter((row) => row.some((cell) => cell.includes('*'))),
      [],
    );
    const secrets = rows.filter(([, , , resources = '']) => resources.includes('secrets'));
    assert.deepEqual(
      secrets.map((row) => row.slice(4)),
      ['everything', 'existing-secret'].includes(set) ? [['credentials', 'get']] : [],
    );
  }
});

test('every role is bound to one account, in the same place', async () => {
  for (const role of ofKind(await rendered('everything'), 'ClusterRole', 'Role')) {
    const bindings = ofKind(await rendered('everything'), `${role.kind}Binding`).filter(
      ({ roleRef, metadata }) => roleRef.name === role.metadata.name && metadata.namespace === role.metadata.namespace,
    );

    assert.deepEqual(
      bindings.map(({ subjects }) => subjects.length),
      [1],
      role.metadata.name,
    );
  }
});

/** The cells of the table under a heading, in an order that says nothing. */
function table(heading: string, columns: number): readonly string[][] {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  const lines = body.split('\n').filter((line) => line.startsWith('|'));
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows
    .slice(2)
    .map((row) => row.slice(0, columns))
    .toSorted();
}
