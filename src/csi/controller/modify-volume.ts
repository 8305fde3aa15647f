import type { Mutable } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ControllerModifyVolumeRequest, ControllerModifyVolumeResponse } from '../generated/messages.ts';
import { changesOf } from '../parameters/layout.ts';
import { readMutableParameters } from '../parameters/read-parameters.ts';
import { checkLimits } from '../parameters/staging.ts';
import { missing, required } from '../refuse.ts';
import { mapperOf } from '../request/kept-use.ts';
import type { Rpc } from '../rpc.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

export interface ModificationWanted extends VolumeAsked {
  readonly mutable: Partial<Mutable>;
}

/** Changes what may change of a volume, all that is asked or nothing. */
export const modifyVolume: Rpc<Controller, ControllerModifyVolumeRequest, ModificationWanted, ControllerModifyVolumeResponse> = {
  read(request) {
    required('volume_id', request.volumeId);
    if (Object.keys(request.mutableParameters).length === 0) throw missing('mutable_parameters');
    const mutable = changesOf(readMutableParameters(request.mutableParameters));
    return { ...readVolume(request), mutable };
  },

  async run({ clusters }, { cluster, ref, credentials, mutable }, scope) {
    const engine = clusters.engineAt(cluster, credentials);
    if (mutable.qos !== undefined) checkLimits(mapperOf((await engine.getVolume(ref, scope)).labels), mutable.qos);
    await engine.modifyVolume({ volume: ref, mutable }, scope);
    return {};
  },
};
