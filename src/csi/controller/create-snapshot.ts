import type { Credentials } from '#lib/cluster-config';
import { snapshotNameFor } from '#lib/handle';
import type { SnapshotSpec } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { CreateSnapshotRequest, CreateSnapshotResponse, TopologyRequirement } from '../generated/messages.ts';
import { readLabels } from '../parameters/read-parameters.ts';
import { required } from '../refuse.ts';
import { readCredentials } from '../request/credentials.ts';
import { getVolume } from '../request/ids.ts';
import { checkReach } from '../request/topology.ts';
import type { Rpc } from '../rpc.ts';
import { answerSnapshot } from './answers.ts';

export interface SnapshotWanted {
  readonly cluster: string;
  readonly credentials: Credentials | undefined;
  readonly spec: SnapshotSpec;
  readonly reachedFrom: TopologyRequirement | null;
}

/** Takes a snapshot; the same name again answers the same snapshot, or that it is one of another volume. */
export const createSnapshot: Rpc<Controller, CreateSnapshotRequest, SnapshotWanted, CreateSnapshotResponse> = {
  read(request) {
    const name = required('name', request.name);
    required('source_volume_id', request.sourceVolumeId);
    const labels = readLabels(request.parameters);
    const credentials = readCredentials(request.secrets);
    const { cluster, ref } = getVolume('source_volume_id', request.sourceVolumeId);
    const spec = { ...ref, snapshot: snapshotNameFor(name), name, labels };
    return { cluster, credentials, spec, reachedFrom: request.accessibilityRequirements };
  },

  async run(controller, { cluster, credentials, spec, reachedFrom }, scope) {
    // A snapshot lies where its image lies: whether that will do is known before it is taken.
    checkReach(
      controller.topology.filter((known) => known.cluster === cluster && known.pool === spec.pool),
      reachedFrom,
    );
    const snapshot = await controller.clusters.engineAt(cluster, credentials).createSnapshot(spec, scope);
    return { snapshot: answerSnapshot(controller, cluster, snapshot) };
  },
};
