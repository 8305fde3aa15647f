import { Failure } from '#lib/failure';
import type { Controller } from '../clusters.ts';
import type { ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse } from '../generated/messages.ts';
import { readMutableParameters, readParameters } from '../parameters/read-parameters.ts';
import { missing, required } from '../refuse.ts';
import { readCapabilities } from '../request/capability.ts';
import type { Rpc } from '../rpc.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

export interface ConfirmationWanted extends VolumeAsked {
  /** What speaks against it; '' when nothing does. */
  readonly objection: string;
  readonly confirmed: NonNullable<ValidateVolumeCapabilitiesResponse['confirmed']>;
}

/** Says whether an existing volume can be used in these ways. */
export const validateVolumeCapabilities: Rpc<
  Controller,
  ValidateVolumeCapabilitiesRequest,
  ConfirmationWanted,
  ValidateVolumeCapabilitiesResponse
> = {
  read(request) {
    required('volume_id', request.volumeId);
    if (request.volumeCapabilities.length === 0) throw missing('volume_capabilities');
    const { volumeContext, volumeCapabilities, parameters, mutableParameters } = request;
    const confirmed = { volumeContext, volumeCapabilities, parameters, mutableParameters };
    return { ...readVolume(request), objection: objectionTo(request), confirmed };
  },

  async run({ clusters }, { cluster, ref, credentials, objection, confirmed }, scope) {
    await clusters.engineAt(cluster, credentials).getVolume(ref, scope);
    return objection === '' ? { confirmed } : { message: objection };
  },
};

/** What CreateVolume would refuse is not an error here: it is the answer. */
function objectionTo(request: ValidateVolumeCapabilitiesRequest): string {
  try {
    readCapabilities('volume_capabilities', request.volumeCapabilities);
    readParameters(request.parameters);
    readMutableParameters(request.mutableParameters);
    return '';
  } catch (error) {
    if (error instanceof Failure && error.kind === 'invalid') return error.message;
    throw error;
  }
}
