import type { Controller } from '../clusters.ts';
import type { ControllerGetVolumeHealthRequest, ControllerGetVolumeHealthResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import { answerHealth } from './answers.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

/** What is wrong with one volume; no entry when nothing is. */
export const getVolumeHealth: Rpc<Controller, ControllerGetVolumeHealthRequest, VolumeAsked, ControllerGetVolumeHealthResponse> = {
  read: readVolume,

  async run({ clusters }, { cluster, ref, credentials }, scope) {
    const health = await clusters.engineAt(cluster, credentials).volumeHealth(ref, scope);
    return { volumeHealth: answerHealth(cluster, health) };
  },
};
