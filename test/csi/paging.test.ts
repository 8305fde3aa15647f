import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '#lib/failure';
import type { Page } from '#rbd';
import { listAcross } from '../../src/csi/controller/paging.ts';

/** Clusters with their items in order; a page begins behind `after`, also when that item is gone. */
function fetchFrom(clusters: Readonly<Record<string, readonly string[]>>) {
  return (cluster: string, { after, max }: Page) => {
    const rest = (clusters[cluster] ?? []).filter((item) => item > after);
    const items = rest.slice(0, max);
    return Promise.resolve({
      items: items.map((item) => `${cluster}/${item}`),
      next: rest.length > max ? (items.at(-1) ?? '') : '',
    });
  };
}

const name = fc.stringMatching(/^[a-z]{1,3}$/);
const pools = fc.dictionary(
  name,
  fc.uniqueArray(name, { maxLength: 12 }).map((items) => items.toSorted().map((item) => `rbd//${item}`)),
  {
    maxKeys: 4,
  },
);

test('pages of any size, one after another, are the whole listing: nothing twice, nothing missing, in order', async () => {
  await fc.assert(
    fc.asyncProperty(pools, fc.integer({ min: 1, max: 5 }), async (clusters, max) => {
      const names = Object.keys(clusters);
      const whole = await listAcross(names, { max: 0, token: '' }, fetchFrom(clusters));

      const listed: string[] = [];
      let token = '';
      do {
        const page = await listAcross(names, { max, token }, fetchFrom(clusters));
        assert.ok(page.items.length <= max);
        listed.push(...page.items);
        token = page.next;
      } while (token !== '');

      const all = names.toSorted().flatMap((cluster) => (clusters[cluster] ?? []).map((item) => `${cluster}/${item}`));
      assert.deepEqual(listed, all);
      assert.deepEqual(whole, { items: all, next: '' });
    }),
  );
});

test('a token whose item has been deleted goes on behind it', async () => {
  const before = { a: ['rbd//1', 'rbd//2', 'rbd//3'] };
  const { next } = await listAcross(['a'], { max: 2, token: '' }, fetchFrom(before));

  const page = await listAcross(['a'], { max: 0, token: next }, fetchFrom({ a: ['rbd//1', 'rbd//3'] }));

  assert.deepEqual(page.items, ['a/rbd//3']);
});

for (const token of ['x', 'b/rbd//1', '/', 'a', 'a/rbd;1', 'a/\n']) {
  test(`the token ${JSON.stringify(token)} is refused`, async () => {
    const listing = listAcross(['a'], { max: 0, token }, fetchFrom({ a: [] }));

    await assert.rejects(listing, (error) => error instanceof Failure && error.kind === 'bad-token');
  });
}
