import { type Usage, type VolumeAt, volumeStats } from '#node';
import type { NodeGetVolumeStatsRequest, NodeGetVolumeStatsResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { readNodeVolume } from './read-node-volume.ts';

/** What is used of a volume and what is free. */
export const getVolumeStats: Rpc<Node, NodeGetVolumeStatsRequest, VolumeAt, NodeGetVolumeStatsResponse> = {
  read: ({ volumeId, volumePath }) => ({ ...readNodeVolume(volumeId, { volume_path: volumePath }), path: volumePath }),

  async run({ host }, want) {
    const stats = await volumeStats(host, want);
    if (stats.access === 'block') return { usage: [{ unit: 'BYTES', total: writeBytes(stats.total) }] };
    return { usage: [answerUsage('BYTES', stats.bytes), answerUsage('INODES', stats.inodes)] };
  },
};

function answerUsage(unit: 'BYTES' | 'INODES', { total, used, available }: Usage) {
  return { unit, total: writeBytes(total), used: writeBytes(used), available: writeBytes(available) };
}
