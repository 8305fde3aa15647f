import { Failure } from '#lib/failure';
import { formatVolume } from '#lib/handle';
import { volumeHealth } from '#node';
import type { NodeGetVolumeHealthRequest, NodeGetVolumeHealthResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { type NodeVolume, readNodeVolume } from './read-node-volume.ts';

const STATUS = { degraded: 'DEGRADED', inaccessible: 'INACCESSIBLE' } as const;

/** What is wrong with a volume as this node sees it; no entry when nothing is. */
export const getVolumeHealth: Rpc<Node, NodeGetVolumeHealthRequest, NodeVolume, NodeGetVolumeHealthResponse> = {
  read: ({ volumeId }) => readNodeVolume(volumeId),

  async run({ host }, { volume }) {
    const entries = await volumeHealth(host, volume);
    const volumeId = formatVolume(volume);
    if (entries === undefined) throw new Failure('not-found', 'NOT_ON_THIS_NODE', `the volume ${volumeId} is not on this node`);
    const healthStatuses = entries.map(({ status, reason, message }) => ({ status: STATUS[status], reason, message }));
    return { volumeHealth: { volumeId, healthStatuses } };
  },
};
