import { formatVolume } from '#lib/handle';
import { volumeLock } from '#node';
import { NODE } from '../definitions.ts';
import type { NodeHandlers } from '../generated/csi/v1/Node.ts';
import type { Host } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serving } from '../unary.ts';
import { nodeGetCapabilities } from './capabilities.ts';
import { expandVolume } from './expand-volume.ts';
import { getInfo } from './get-info.ts';
import { getStorageHealth } from './get-storage-health.ts';
import { getVolumeHealth } from './get-volume-health.ts';
import { getVolumeStats } from './get-volume-stats.ts';
import type { Node } from './node.ts';
import { publishVolume } from './publish-volume.ts';
import type { NodeVolume } from './read-node-volume.ts';
import { stageVolume } from './stage-volume.ts';
import { unpublishVolume } from './unpublish-volume.ts';
import { unstageVolume } from './unstage-volume.ts';

/** A key of its own: one process may serve the controller too, whose work on a volume does not exclude the node's. */
const onVolume = ({ volume }: NodeVolume) => [volumeLock(formatVolume(volume))];
const LOOKS = { unlocked: 'only looks' };

/** The Node service, complete: an RPC without a handler here does not compile. */
export function nodeService(host: Host, node: Node): Service {
  const serve = serving(host, node);
  const handlers: NodeHandlers = {
    NodeStageVolume: serve('NodeStageVolume', stageVolume, onVolume),
    NodeUnstageVolume: serve('NodeUnstageVolume', unstageVolume, onVolume),
    NodePublishVolume: serve('NodePublishVolume', publishVolume, onVolume),
    NodeUnpublishVolume: serve('NodeUnpublishVolume', unpublishVolume, onVolume),
    NodeExpandVolume: serve('NodeExpandVolume', expandVolume, onVolume),
    NodeGetVolumeStats: serve('NodeGetVolumeStats', getVolumeStats, LOOKS),
    NodeGetVolumeHealth: serve('NodeGetVolumeHealth', getVolumeHealth, LOOKS),
    NodeGetStorageHealth: serve('NodeGetStorageHealth', getStorageHealth, LOOKS),
    NodeGetCapabilities: serve('NodeGetCapabilities', nodeGetCapabilities, { unlocked: 'answers a constant' }),
    NodeGetInfo: serve('NodeGetInfo', getInfo, LOOKS),
  };
  return { definition: NODE, handlers };
}
