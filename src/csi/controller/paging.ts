/**
 * Listings across all clusters, in the order of the clusters' names and then the engine's own. A token is stateless:
 * `cluster/` and the last item, in the engine's words, so it is good after a restart, at the other controller, and
 * when its item has been deleted meanwhile.
 */
import { Failure } from '#lib/failure';
import type { Page } from '#rbd';
import { invalid } from '../refuse.ts';

/** Items that are asked of the engine at once when the caller sets no bound. */
const PAGE_MAX = 1000;

export interface PageAsked {
  /** Items at most; 0 for no bound. */
  readonly max: number;
  readonly token: string;
}

export interface Listed<Item> {
  readonly items: readonly Item[];
  /** '' at the end. */
  readonly next: string;
}

/** One page of one cluster. */
export type Fetch<Item> = (cluster: string, page: Page) => Promise<Listed<Item>>;

export function readPage({ maxEntries, startingToken }: { maxEntries: number; startingToken: string }): PageAsked {
  if (maxEntries < 0) throw invalid('max_entries', 'is negative');
  return { max: maxEntries, token: startingToken };
}

/** Throws `bad-token` for a token that is not of ours, or names a cluster that is gone. */
export async function listAcross<Item>(names: readonly string[], asked: PageAsked, fetch: Fetch<Item>): Promise<Listed<Item>> {
  const clusters = [...names].sort();
  let at = startOf(clusters, asked.token);
  const items: Item[] = [];
  while (at !== undefined) {
    const room = asked.max === 0 ? PAGE_MAX : Math.min(asked.max - items.length, PAGE_MAX);
    const page = await fetch(at.cluster, { after: at.after, max: room });
    items.push(...page.items);
    at = page.next === '' ? firstOf(clusters, clusters.indexOf(at.cluster) + 1) : { ...at, after: page.next };
    if (asked.max !== 0 && items.length >= asked.max) break;
  }
  return { items, next: at === undefined ? '' : `${at.cluster}/${at.after}` };
}

interface Position {
  readonly cluster: string;
  readonly after: string;
}

function startOf(clusters: readonly string[], token: string): Position | undefined {
  if (token === '') return firstOf(clusters, 0);
  const slash = token.indexOf('/');
  const [cluster, after] = [token.slice(0, slash), token.slice(slash + 1)];
  if (slash === -1 || !clusters.includes(cluster) || !/^[A-Za-z0-9._@:/-]*$/.test(after)) {
    throw new Failure('bad-token', 'TOKEN_INVALID', 'starting_token is not one of ours; begin the listing anew');
  }
  return { cluster, after };
}

function firstOf(clusters: readonly string[], index: number): Position | undefined {
  const cluster = clusters[index];
  return cluster === undefined ? undefined : { cluster, after: '' };
}
