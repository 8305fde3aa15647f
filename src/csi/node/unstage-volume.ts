import { unstage } from '#node';
import type { NodeUnstageVolumeRequest, NodeUnstageVolumeResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { type NodeVolume, readNodeVolume } from './read-node-volume.ts';

export interface UnstageWanted extends NodeVolume {
  readonly stagingPath: string;
}

/** Takes the volume's mount and device from this node. Needs neither secrets nor Ceph. */
export const unstageVolume: Rpc<Node, NodeUnstageVolumeRequest, UnstageWanted, NodeUnstageVolumeResponse> = {
  read: ({ volumeId, stagingTargetPath }) => ({
    ...readNodeVolume(volumeId, { staging_target_path: stagingTargetPath }),
    stagingPath: stagingTargetPath,
  }),

  async run({ host }, want, scope) {
    await unstage(host, want, scope);
    return {};
  },
};
