import type { Controller } from '../clusters.ts';
import type { ControllerGetVolumeRequest, ControllerGetVolumeResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import { answerVolume } from './answers.ts';
import { publishedNodes } from './published-nodes.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

/** One volume as it is now, and the nodes that use it. */
export const getVolume: Rpc<Controller, ControllerGetVolumeRequest, VolumeAsked, ControllerGetVolumeResponse> = {
  read: readVolume,

  async run(controller, { cluster, ref, credentials }, scope) {
    const engine = controller.clusters.engineAt(cluster, credentials);
    const volume = await engine.getVolume(ref, scope);
    const [nodes = []] = controller.listPublishedNodes ? await publishedNodes(engine, [ref], scope) : [];
    return { volume: answerVolume(controller, cluster, volume), status: { publishedNodeIds: [...nodes] } };
  },
};
