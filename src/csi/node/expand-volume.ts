import type { Credentials } from '#lib/cluster-config';
import { expand, type VolumeAt } from '#node';
import type { NodeExpandVolumeRequest, NodeExpandVolumeResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import { readRange } from '../request/capacity-range.ts';
import { readCredentials } from '../request/credentials.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { readNodeVolume } from './read-node-volume.ts';

export interface NodeExpansion extends VolumeAt {
  readonly required: bigint;
  /** A caller need not send any: then the volume is looked at with what it was staged with. */
  readonly credentials: Credentials | undefined;
}

/** Grows the device and the file system on it to what the image has become. */
export const expandVolume: Rpc<Node, NodeExpandVolumeRequest, NodeExpansion, NodeExpandVolumeResponse> = {
  read: ({ volumeId, volumePath, capacityRange, secrets }) => ({
    ...readNodeVolume(volumeId, { volume_path: volumePath }),
    path: volumePath,
    required: readRange('capacity_range', capacityRange).required,
    credentials: readCredentials(secrets),
  }),

  async run({ host, clusters }, { credentials, ...want }, scope) {
    const connect = () => clusters.get(want.volume.cluster, credentials);
    const { size } = await expand(host, { ...want, connect }, scope);
    return { capacityBytes: writeBytes(size) };
  },
};
