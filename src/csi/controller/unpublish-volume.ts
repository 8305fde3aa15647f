import { parseNodeId } from '#lib/node-id';
import type { Controller } from '../clusters.ts';
import type { ControllerUnpublishVolumeRequest, ControllerUnpublishVolumeResponse } from '../generated/messages.ts';
import { readCredentials } from '../request/credentials.ts';
import { findVolume } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import type { VolumeUnwanted } from './delete-volume.ts';

export interface PublicationUnwanted extends VolumeUnwanted {
  /** '' for every node. */
  readonly node: string;
}

/** Takes the use of a volume from a node, or from all; done also when it had none. */
export const unpublishVolume: Rpc<
  Controller,
  ControllerUnpublishVolumeRequest,
  PublicationUnwanted,
  ControllerUnpublishVolumeResponse
> = {
  read({ volumeId, nodeId, secrets }) {
    const credentials = readCredentials(secrets);
    const volume = findVolume('volume_id', volumeId);
    // Nothing was ever published to a node that cannot be one of ours.
    const stranger = nodeId !== '' && parseNodeId(nodeId) === undefined;
    return { volume: stranger ? undefined : volume, credentials, node: nodeId };
  },

  async run({ clusters, fenceOnForceDetach: fence }, { volume, credentials, node }, scope) {
    if (volume !== undefined) {
      await clusters.engineAt(volume.cluster, credentials).unpublishVolume({ volume: volume.ref, node, fence }, scope);
    }
    return {};
  },
};
