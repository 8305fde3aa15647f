/** NodeExpandVolume: the device becomes as large as the image is now, and the file system on it as large as the device. */
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { byDeadline, type Scope } from '#lib/scope';
import { growMounted } from './filesystems.ts';
import type { NodeHost } from './host.ts';
import { noAnswer } from './mapper.ts';
import { getVolumeAt, type VolumeAt } from './volume-at.ts';

export interface NodeExpandSpec extends VolumeAt {
  /** Bytes that the caller knows the image to have; 0 for unknown. */
  readonly required: bigint;
  /** Asked for only when the volume is here. */
  readonly connect: () => ClusterConnection;
}

/** Repeatable. The size asked for is only compared: what the image has is what counts, so nothing can shrink. */
export async function expand(host: NodeHost, spec: NodeExpandSpec, scope: Scope): Promise<{ readonly size: bigint }> {
  const { staged, path, fsType } = await getVolumeAt(host, spec);
  const { readonly } = staged.stash;
  const connection = spec.connect();
  const device = await byDeadline(
    scope,
    staged.mapper.resize(staged.dir, { connection, required: spec.required }),
    noAnswer(connection),
  );
  if (device.size < spec.required && !readonly) {
    throw new Failure('out-of-range', 'IMAGE_SMALLER', `the image has ${device.size} bytes, and ${spec.required} are asked for`);
  }
  if (fsType !== '' && !readonly) await growMounted(fsType, device, path);
  scope.log.info({ volume: staged.stash.handle, size: String(device.size) }, 'volume is grown on the node');
  return { size: device.size };
}
