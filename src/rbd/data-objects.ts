/** Whether an image that cannot be opened any more holds data: its object map says so, or its objects one by one. */
import { findObjectMap, type ImageHeader, type IoContext, statObject } from '#ceph';
import { inParallel } from '#lib/in-parallel';
import type { Site } from './site.ts';

/** Of a larger image without an object map it is not found out. */
const MOST = 1024n;
const AT_ONCE = 16;

/** True also where that cannot be found out: what holds data is somebody's. */
export async function mayHoldData(site: Site, io: IoContext, header: ImageHeader): Promise<boolean> {
  const objects = countObjects(header);
  const map = await findObjectMap(io, header.id, { snapshotId: undefined, objects });
  if (map?.some((states) => states !== 0)) return true;
  return map === undefined && (objects > MOST || (await hasObject(site, io, header)));
}

/** Whole stripes: there may be a few objects less. */
function countObjects({ size, order, stripeCount }: ImageHeader): bigint {
  const period = (1n << BigInt(order)) * (stripeCount || 1n);
  return ((size + period - 1n) / period) * (stripeCount || 1n);
}

async function hasObject(site: Site, io: IoContext, header: ImageHeader): Promise<boolean> {
  const { id, dataPoolId } = header;
  const prefix = dataPoolId === undefined ? `rbd_data.${id}` : `rbd_data.${io.poolId}.${id}`;
  const data = dataPoolId === undefined ? io : await site.cluster.open(await site.poolName(dataPoolId), io.namespace);
  const names = Array.from({ length: Number(countObjects(header)) }, (_, n) => `${prefix}.${n.toString(16).padStart(16, '0')}`);
  let found = false;
  await inParallel(names, AT_ONCE, async (name) => {
    if (!found && (await statObject(data, name)) !== undefined) found = true;
  });
  return found;
}
