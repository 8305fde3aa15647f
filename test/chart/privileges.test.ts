/** docs/privileges.md says what the pods may do; nothing more may be granted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerRows, documentedRows, hostPathRows, podRows, ruleRows } from './privileges.ts';
import { ofKind, rendered, VALUE_SETS } from './rendered.ts';

test('docs/privileges.md has the pods as they are', async () => {
  assert.deepEqual(documentedRows('Pods', 4), podRows(await rendered('everything')).toSorted());
});

test('docs/privileges.md has the containers as they are', async () => {
  assert.deepEqual(documentedRows('Containers', 6), containerRows(await rendered('everything')).toSorted());
});

test("docs/privileges.md has the host's folders as they are", async () => {
  assert.deepEqual(documentedRows('Folders of the host', 4), hostPathRows(await rendered('everything')).toSorted());
});

test('docs/privileges.md has the rights in the API as they are, and says what each is for', async () => {
  const rows = documentedRows('Rights in the API', 7);

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
