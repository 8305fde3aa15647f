import type { Credentials } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { snapshotNameFor } from '#lib/handle';
import type { GroupSnapshotSpec, ImageRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { CreateVolumeGroupSnapshotRequest, CreateVolumeGroupSnapshotResponse } from '../generated/messages.ts';
import { readLabels } from '../parameters/read-parameters.ts';
import { missing, required } from '../refuse.ts';
import { readCredentials } from '../request/credentials.ts';
import { getVolume, type Located, volumeId } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { answerGroup } from './answer.ts';

export interface GroupWanted {
  readonly cluster: string;
  readonly credentials: Credentials | undefined;
  readonly spec: GroupSnapshotSpec;
}

/** Takes snapshots of several volumes at one moment; the same name again answers the same set. */
export const createGroupSnapshot: Rpc<
  Controller,
  CreateVolumeGroupSnapshotRequest,
  GroupWanted,
  CreateVolumeGroupSnapshotResponse
> = {
  read(request) {
    const name = required('name', request.name);
    const labels = readLabels(request.parameters);
    const credentials = readCredentials(request.secrets);
    const { cluster, sources, home } = readSources(request.sourceVolumeIds);
    const { pool, namespace } = home;
    return { cluster, credentials, spec: { pool, namespace, name, group: snapshotNameFor(name), sources, labels } };
  },

  async run(controller, { cluster, credentials, spec }, scope) {
    const made = await controller.clusters.engineAt(cluster, credentials).createGroupSnapshot(spec, scope);
    return { groupSnapshot: answerGroup(controller, cluster, made) };
  },
};

interface Sources {
  readonly cluster: string;
  readonly sources: readonly ImageRef[];
  /** The volume in whose pool the group lives. */
  readonly home: ImageRef;
}

/** In the order of their ids, so that the same volumes named in another order give the same group. */
function readSources(ids: readonly string[]): Sources {
  for (const [index, id] of ids.entries()) required(`source_volume_ids[${index}]`, id);
  const volumes = [...new Set(ids)].sort().map((id) => getVolume('source_volume_ids', id));
  const [first] = volumes;
  if (first === undefined) throw missing('source_volume_ids');
  for (const volume of volumes) checkTogether(first, volume);
  return { cluster: first.cluster, sources: volumes.map(({ ref }) => ref), home: first.ref };
}

function checkTogether(one: Located<ImageRef>, other: Located<ImageRef>): void {
  if (one.cluster === other.cluster) return;
  const message = `${volumeId(one)} and ${volumeId(other)} are in different clusters, which share no moment`;
  throw new Failure('precondition', 'SOURCES_APART', message);
}
