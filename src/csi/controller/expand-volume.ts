import type { SizeRange } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ControllerExpandVolumeRequest, ControllerExpandVolumeResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import { required } from '../refuse.ts';
import { readCapability } from '../request/capability.ts';
import { readGivenRange } from '../request/capacity-range.ts';
import type { Rpc } from '../rpc.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

export interface ExpansionWanted extends VolumeAsked {
  readonly range: SizeRange;
}

/** Makes a volume larger; done also when it is as large already. */
export const expandVolume: Rpc<Controller, ControllerExpandVolumeRequest, ExpansionWanted, ControllerExpandVolumeResponse> = {
  read(request) {
    required('volume_id', request.volumeId);
    const range = readGivenRange('capacity_range', request.capacityRange);
    if (request.volumeCapability !== null) readCapability('volume_capability', request.volumeCapability);
    return { ...readVolume(request), range };
  },

  async run({ clusters }, { cluster, ref, credentials, range }, scope) {
    const { size } = await clusters.engineAt(cluster, credentials).expandVolume({ volume: ref, range }, scope);
    // Raw devices too: not every mapper's device sees the new size by itself.
    return { capacityBytes: writeBytes(size), nodeExpansionRequired: true };
  },
};
