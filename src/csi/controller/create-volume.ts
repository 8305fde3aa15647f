import type { Scope } from '#lib/scope';
import type { Controller } from '../clusters.ts';
import type { CreateVolumeRequest, CreateVolumeResponse } from '../generated/messages.ts';
import { asTopology } from '../request/topology.ts';
import type { Rpc } from '../rpc.ts';
import { answerVolume } from './answers.ts';
import { readVolumeSpec, type VolumeWanted } from './read-volume-spec.ts';

/** Makes a volume; the same name again answers the same volume, or that it is another. */
export const createVolume: Rpc<Controller, CreateVolumeRequest, VolumeWanted, CreateVolumeResponse> = {
  read: readVolumeSpec,

  async run(controller: Controller, want: VolumeWanted, scope: Scope): Promise<CreateVolumeResponse> {
    const engine = controller.clusters.engineAt(want.cluster, want.credentials);
    const made = await engine.createVolume(want.spec, scope);
    const volume = answerVolume(controller, want.cluster, { ...made, source: want.spec.source });
    const topology = want.chosen === undefined ? {} : { accessibleTopology: asTopology([want.chosen]) };
    return { volume: { ...volume, ...topology, volumeContext: want.volumeContext } };
  },
};
