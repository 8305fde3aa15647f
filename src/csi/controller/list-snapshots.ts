import type { Credentials } from '#lib/cluster-config';
import type { Scope } from '#lib/scope';
import type { ImageRef, Page, Snapshot, SnapshotRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ListSnapshotsRequest, ListSnapshotsResponse } from '../generated/messages.ts';
import { ifFound } from '../if-found.ts';
import { readCredentials } from '../request/credentials.ts';
import { findSnapshot, findVolume, type Located, volumeId } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { answerSnapshot } from './answers.ts';
import { type Fetch, type Listed, listAcross, type PageAsked, readPage } from './paging.ts';

export interface SnapshotsAsked {
  readonly page: PageAsked;
  readonly credentials: Credentials | undefined;
  readonly of: Selection;
}

type Selection =
  | { readonly select: 'all' }
  | { readonly select: 'nothing' }
  | { readonly select: 'one'; readonly snapshot: Located<SnapshotRef> }
  | { readonly select: 'of-volume'; readonly volume: Located<ImageRef> };

/** Lists snapshots: all, those of one volume, or the one of an id. Unknown ids give an empty list, not an error. */
export const listSnapshots: Rpc<Controller, ListSnapshotsRequest, SnapshotsAsked, ListSnapshotsResponse> = {
  read: (request) => ({
    page: readPage(request),
    credentials: readCredentials(request.secrets),
    of: readSelection(request),
  }),

  async run(controller, want, scope) {
    const { items, next } = await select(controller, want, scope);
    return { entries: items.map(([cluster, one]) => ({ snapshot: answerSnapshot(controller, cluster, one) })), nextToken: next };
  },
};

function readSelection({ snapshotId, sourceVolumeId }: ListSnapshotsRequest): Selection {
  if (snapshotId !== '') {
    const snapshot = findSnapshot('snapshot_id', snapshotId);
    const ofAnother = snapshot !== undefined && sourceVolumeId !== '' && volumeId(snapshot) !== sourceVolumeId;
    return snapshot === undefined || ofAnother ? { select: 'nothing' } : { select: 'one', snapshot };
  }
  if (sourceVolumeId === '') return { select: 'all' };
  const volume = findVolume('source_volume_id', sourceVolumeId);
  return volume === undefined ? { select: 'nothing' } : { select: 'of-volume', volume };
}

type Found = readonly [cluster: string, snapshot: Snapshot];

const NOTHING: Listed<Found> = { items: [], next: '' };

async function select({ clusters }: Controller, { of, page, credentials }: SnapshotsAsked, scope: Scope): Promise<Listed<Found>> {
  const fetchFrom =
    (source: ImageRef | undefined): Fetch<Found> =>
    async (cluster: string, one: Page) => {
      const { snapshots, next } = await clusters.engineAt(cluster, credentials).listSnapshots({ ...one, source }, scope);
      return { items: snapshots.map((snapshot): Found => [cluster, snapshot]), next };
    };
  switch (of.select) {
    case 'all':
      return await listAcross(clusters.names(), page, fetchFrom(undefined));
    case 'nothing':
      return NOTHING;
    case 'of-volume':
      return (await ifFound(listAcross([of.volume.cluster], page, fetchFrom(of.volume.ref)))) ?? NOTHING;
    case 'one': {
      const { cluster, ref } = of.snapshot;
      const snapshot = await ifFound(clusters.engineAt(cluster, credentials).getSnapshot(ref, scope));
      return snapshot === undefined ? NOTHING : { items: [[cluster, snapshot]], next: '' };
    }
  }
}
