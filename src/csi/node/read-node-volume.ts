/** A volume as the Node service's requests name it. */
import type { VolumeHandle } from '#lib/handle';
import { required } from '../refuse.ts';
import { getVolume } from '../request/ids.ts';

export interface NodeVolume {
  readonly volume: VolumeHandle;
}

/** Throws `not-found` for an id that no volume of ours can have; fields that are missing are told before that. */
export function readNodeVolume(volumeId: string, paths: Readonly<Record<string, string>> = {}): NodeVolume {
  required('volume_id', volumeId);
  for (const [field, path] of Object.entries(paths)) required(field, path);
  const { cluster, ref } = getVolume('volume_id', volumeId);
  return { volume: { cluster, ...ref } };
}
