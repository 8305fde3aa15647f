import { unpublish } from '#node';
import type { NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { type NodeVolume, readNodeVolume } from './read-node-volume.ts';

export interface UnpublishWanted extends NodeVolume {
  readonly target: string;
}

/** Takes the volume from a target path, and the path with it. */
export const unpublishVolume: Rpc<Node, NodeUnpublishVolumeRequest, UnpublishWanted, NodeUnpublishVolumeResponse> = {
  read: ({ volumeId, targetPath }) => ({ ...readNodeVolume(volumeId, { target_path: targetPath }), target: targetPath }),

  async run({ host }, want, scope) {
    await unpublish(host, want, scope);
    return {};
  },
};
