/** All that an API server has of the kinds that we build, read once: a cluster that is to be filled again is looked at, and not watched. */
import type { Log } from '#lib/scope';
import type { Kind, KubeApi, KubeObject } from '../runtime/index.ts';
import { servesSnapshots } from './apply.ts';
import {
  CLAIMS,
  CLASSES,
  type Claim,
  CONTENTS,
  type Copies,
  type Copy,
  copyOf,
  NAMESPACES,
  SNAPSHOTS,
  type Snapshot,
  type SnapshotContent,
  type StorageClass,
  VOLUMES,
  type Volume,
} from './kinds.ts';

const PAGE = '500';

export async function readCopies(api: KubeApi, log: Log): Promise<Copies> {
  const list = <T extends KubeObject>(kind: Kind): Promise<Copy<T>> => listAll<T>(api, kind);
  const [volumes, claims, namespaces, classes] = await Promise.all([
    list<Volume>(VOLUMES),
    list<Claim>(CLAIMS),
    list<KubeObject>(NAMESPACES),
    list<StorageClass>(CLASSES),
  ]);
  const hasSnapshots = await servesSnapshots(api, log);
  const snapshots = hasSnapshots
    ? { contents: await list<SnapshotContent>(CONTENTS), snapshots: await list<Snapshot>(SNAPSHOTS) }
    : undefined;
  return { volumes, claims, namespaces, classes, snapshots };
}

async function listAll<T extends KubeObject>(api: KubeApi, kind: Kind): Promise<Copy<T>> {
  const found: T[] = [];
  for (let next: string | undefined; next !== ''; ) {
    const page = await api.listPage<T>(kind, { limit: PAGE, ...(next === undefined ? {} : { continue: next }) });
    found.push(...page.items);
    next = page.next;
  }
  return copyOf(found);
}
