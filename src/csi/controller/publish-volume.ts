import type { PublishSpec } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ControllerPublishVolumeRequest, ControllerPublishVolumeResponse } from '../generated/messages.ts';
import { required } from '../refuse.ts';
import { readCapability } from '../request/capability.ts';
import { getNode } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

export interface PublicationWanted extends VolumeAsked {
  readonly spec: PublishSpec;
}

/** Grants a node the use of a volume, once it is sure that no other node's use speaks against it. */
export const publishVolume: Rpc<Controller, ControllerPublishVolumeRequest, PublicationWanted, ControllerPublishVolumeResponse> = {
  read(request, { nodeVolumeLimit }) {
    required('volume_id', request.volumeId);
    required('node_id', request.nodeId);
    const { mode } = readCapability('volume_capability', request.volumeCapability);
    const volume = readVolume(request);
    const node = getNode('node_id', request.nodeId);
    return { ...volume, spec: { volume: volume.ref, node, mode, readonly: request.readonly, nodeLimit: nodeVolumeLimit } };
  },

  async run({ clusters }, { cluster, credentials, spec }, scope) {
    const { site, key, isAlone } = await clusters.engineAt(cluster, credentials).publishVolume(spec, scope);
    // A wrapped key is no secret; the node opens it. Of several nodes only one may make the volume's LUKS header.
    const encryption = key === '' ? {} : { encryptionKey: key, mayFormat: String(isAlone) };
    return { publishContext: { site, ...encryption } };
  },
};
