import { stage } from '#node';
import type { NodeStageVolumeRequest, NodeStageVolumeResponse } from '../generated/messages.ts';
import { required } from '../refuse.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { connected, readStaging, type StageWanted } from './read-staging.ts';

/** Makes the volume a device of this node and mounts its file system. */
export const stageVolume: Rpc<Node, NodeStageVolumeRequest, StageWanted, NodeStageVolumeResponse> = {
  read(request) {
    required('volume_id', request.volumeId);
    required('staging_target_path', request.stagingTargetPath);
    return readStaging(request);
  },

  async run(node, want, scope) {
    await stage(node.host, connected(node, want), scope);
    return {};
  },
};
