import type { Credentials } from '#lib/cluster-config';
import type { ImageRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { DeleteVolumeRequest, DeleteVolumeResponse } from '../generated/messages.ts';
import { readCredentials } from '../request/credentials.ts';
import { findVolume, type Located } from '../request/ids.ts';
import type { Rpc } from '../rpc.ts';

export interface VolumeUnwanted {
  /** `undefined` for an id that is none of ours: there is nothing to delete. */
  readonly volume: Located<ImageRef> | undefined;
  readonly credentials: Credentials | undefined;
}

/** Deletes a volume; done also when there is none. */
export const deleteVolume: Rpc<Controller, DeleteVolumeRequest, VolumeUnwanted, DeleteVolumeResponse> = {
  read: ({ volumeId, secrets }) => ({ volume: findVolume('volume_id', volumeId), credentials: readCredentials(secrets) }),

  async run({ clusters }, { volume, credentials }, scope) {
    if (volume !== undefined) await clusters.engineAt(volume.cluster, credentials).deleteVolume(volume.ref, scope);
    return {};
  },
};
