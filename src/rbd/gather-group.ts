import { addToGroup, findGroupOf, isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { openToChange } from './change-image.ts';
import { freeFromStale } from './free-from-group.ts';
import { formatGroup, nameOfVolume, type SeenGroup } from './group-snapshot.ts';
import type { SeenVolume } from './look.ts';
import type { Site } from './site.ts';
import { newSnapshotRecord, readSnapshotRecord, writeSnapshotRecord } from './snapshot-record.ts';
import type { GroupSnapshotSpec } from './specs.ts';

/** Writes the records, and puts the volumes into the group. */
export async function gatherVolumes(
  site: Site,
  want: GroupSnapshotSpec,
  { group, volumes }: { readonly group: SeenGroup; readonly volumes: readonly SeenVolume[] },
): Promise<void> {
  const record = newSnapshotRecord(site, want, { id: group.id, spec: formatGroup(want) });
  for (const volume of volumes) {
    await checkHolder(volume);
    const now = readSnapshotRecord(volume.header.metadata, want.group);
    if (now?.group !== group.id) await writeSnapshotRecord(volume, want.group, record);
    await addVolume(site, want, { group, volume });
  }
}

async function addVolume(
  site: Site,
  want: GroupSnapshotSpec,
  { group, volume }: { readonly group: SeenGroup; readonly volume: SeenVolume },
): Promise<void> {
  const current = await findGroupOf(volume.io, volume.header.id);
  if (current !== undefined && current.groupId !== group.id) await freeFromStale(site, current, volume);
  try {
    await addToGroup(group.io, want.group, { io: volume.io, name: volume.image });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const message = `${nameOfVolume(volume)} is in another group snapshot that is being taken`;
    throw new Failure('busy', 'GROUPS_OVERLAP', message, { cause: error });
  }
}

/** The snapshot takes every volume's exclusive lock; see openToChange. */
async function checkHolder(volume: SeenVolume): Promise<void> {
  if (volume.header.lockers.length === 0) return;
  const open = await openToChange(volume.io, volume.header, volume.image);
  await open[Symbol.asyncDispose]();
}
