import { parseGroup } from './group-snapshot.ts';
import { headerOf } from './record.ts';
import type { Site } from './site.ts';
import type { SeenSnapshot } from './snapshot-record.ts';
import type { Snapshot } from './specs.ts';

/** `name` is the snapshot's in its handle; one that Loligo did not take (S2) has no other. */
export async function toSnapshot(site: Site, { volume, info, record }: SeenSnapshot, name: string): Promise<Snapshot> {
  return {
    pool: volume.io.pool,
    namespace: volume.io.namespace,
    image: volume.record.name,
    snapshot: name,
    name: record?.request ?? name,
    size: info.size - headerOf(volume.record),
    createdAt: info.createdAt,
    group: record === undefined || record.groupSnapshot === '' ? undefined : parseGroup(record.groupSnapshot),
    dataPool: await site.dataPoolOf(volume.header),
  };
}
