import { expand, type NodeExpandSpec } from '#node';
import type { NodeExpandVolumeRequest, NodeExpandVolumeResponse } from '../generated/messages.ts';
import { writeBytes } from '../int64.ts';
import { readRange } from '../request/capacity-range.ts';
import { readCredentials } from '../request/credentials.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { readNodeVolume } from './read-node-volume.ts';

/** Grows the device and the file system on it to what the image has become. */
export const expandVolume: Rpc<Node, NodeExpandVolumeRequest, NodeExpandSpec, NodeExpandVolumeResponse> = {
  read({ volumeId, volumePath, capacityRange, secrets }) {
    const volume = readNodeVolume(volumeId, { volume_path: volumePath });
    // Not used: a caller need not send any, and the volume is looked at with the rights it was staged with.
    readCredentials(secrets);
    return { ...volume, path: volumePath, required: readRange('capacity_range', capacityRange).required };
  },

  async run({ host }, want, scope) {
    const { size } = await expand(host, want, scope);
    return { capacityBytes: writeBytes(size) };
  },
};
