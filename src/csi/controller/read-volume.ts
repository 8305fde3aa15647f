import type { Credentials } from '#lib/cluster-config';
import type { ImageRef } from '#rbd';
import { readCredentials } from '../request/credentials.ts';
import { getVolume, type Located } from '../request/ids.ts';

/** One volume that is there, and as whom to look at it. */
export interface VolumeAsked extends Located<ImageRef> {
  readonly credentials: Credentials | undefined;
}

/** For the requests that name a volume and little else. */
export function readVolume({ volumeId, secrets }: { volumeId: string; secrets?: Record<string, string> }): VolumeAsked {
  const credentials = readCredentials(secrets ?? {});
  return { ...getVolume('volume_id', volumeId), credentials };
}
