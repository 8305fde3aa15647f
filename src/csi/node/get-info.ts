import { Failure } from '#lib/failure';
import { formatNodeId, parseNodeId } from '#lib/node-id';
import type { NodeGetInfoRequest, NodeGetInfoResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';

/** Who this node is, how many volumes it takes, and where it is. */
export const getInfo: Rpc<Node, NodeGetInfoRequest, Record<never, never>, NodeGetInfoResponse> = {
  read: () => ({}),

  async run({ id, volumeLimit, segments }) {
    const nodeId = formatNodeId(await id());
    if (parseNodeId(nodeId) === undefined) {
      throw new Failure('precondition', 'NODE_ID_UNUSABLE', `the name and addresses of this node make no id: ${nodeId}`);
    }
    const topology = Object.keys(segments).length === 0 ? {} : { accessibleTopology: { segments: { ...segments } } };
    return { nodeId, maxVolumesPerNode: String(volumeLimit), ...topology };
  },
};
