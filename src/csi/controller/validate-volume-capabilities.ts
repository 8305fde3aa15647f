import { Failure } from '#lib/failure';
import type { Controller } from '../clusters.ts';
import type { ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse } from '../generated/messages.ts';
import { type ReadParameters, readMutableParameters, readParameters } from '../parameters/read-parameters.ts';
import { checkStaging, givenContext } from '../parameters/staging.ts';
import { missing, required } from '../refuse.ts';
import { readCapabilities } from '../request/capability.ts';
import type { Rpc } from '../rpc.ts';
import { compareMutable, compareParameters } from './compare-class.ts';
import { readVolume, type VolumeAsked } from './read-volume.ts';

export interface ConfirmationWanted extends VolumeAsked {
  readonly request: ValidateVolumeCapabilitiesRequest;
  /** What it says, or what speaks against it whatever the volume is. */
  readonly claims: Claims | string;
}

interface Claims {
  readonly parameters: ReadParameters;
  readonly attributes: Omit<ReadParameters, 'labels'>;
  /** What a node would read, as a class gives it. */
  readonly context: ReadParameters;
}

/** Says whether an existing volume can be used in these ways, and confirms of the rest what was compared with it. */
export const validateVolumeCapabilities: Rpc<
  Controller,
  ValidateVolumeCapabilitiesRequest,
  ConfirmationWanted,
  ValidateVolumeCapabilitiesResponse
> = {
  read(request) {
    required('volume_id', request.volumeId);
    if (request.volumeCapabilities.length === 0) throw missing('volume_capabilities');
    return { ...readVolume(request), request, claims: readClaims(request) };
  },

  async run({ clusters }, { cluster, ref, credentials, request, claims }, scope) {
    const seen = { cluster, ...(await clusters.engineAt(cluster, credentials).getVolume(ref, scope)) };
    if (typeof claims === 'string') return { message: claims };
    const parameters = compareParameters(request.parameters, claims.parameters, seen);
    const mutable = compareMutable(request.mutableParameters, claims.attributes, seen);
    const context = compareParameters(givenContext(request.volumeContext), claims.context, seen);
    const different = new Set([parameters, mutable, context].flatMap((compared) => compared.different));
    if (different.size > 0) return { message: `the volume has another ${[...different].join(', ')}` };
    const { volumeCapabilities } = request;
    // What a node does with its part of the context was checked; there is nothing of the volume to compare it with.
    const volumeContext = givenContext(request.volumeContext);
    return { confirmed: { volumeCapabilities, volumeContext, parameters: parameters.same, mutableParameters: mutable.same } };
  },
};

/** What CreateVolume would refuse is not an error here: it is the answer. */
function readClaims(request: ValidateVolumeCapabilitiesRequest): Claims | string {
  try {
    const capabilities = readCapabilities('volume_capabilities', request.volumeCapabilities);
    const parameters = readParameters(request.parameters);
    const attributes = readMutableParameters(request.mutableParameters);
    const context = readParameters(givenContext(request.volumeContext));
    checkStaging(context.values, { capabilities, qos: attributes.qos });
    return { parameters, attributes, context };
  } catch (error) {
    if (error instanceof Failure && error.kind === 'invalid') return error.message;
    throw error;
  }
}
