/**
 * The kernel's RBD devices as sysfs shows them. None of what is read here waits for Ceph: sizes come from the block layer,
 * for the driver's own attribute waits while the image's header is read anew.
 */
import { access, readdir } from 'node:fs/promises';
import { readAttribute, readBlockDevice } from '../block-device.ts';
import { isErrno } from '../errno.ts';
import type { Device } from '../mapper.ts';
import { labelIn } from './add-line.ts';

const BUS = '/sys/bus/rbd';
export const ADD = `${BUS}/add_single_major`;
export const REMOVE = `${BUS}/remove_single_major`;

export interface RbdDevice extends Device {
  /** The kernel's number of it. */
  readonly id: string;
  /** '' for one that somebody else mapped. */
  readonly label: string;
  /** Of the Ceph cluster: two may have pools and images of the same names. */
  readonly fsid: string;
  readonly pool: string;
  readonly namespace: string;
  readonly image: string;
  /** '' for the image itself. */
  readonly snapshot: string;
}

export function hasRbd(): Promise<boolean> {
  return access(ADD).then(
    () => true,
    () => false,
  );
}

/** All of them, lowest first. */
export async function readDevices(): Promise<readonly RbdDevice[]> {
  const ids = await namesIn(`${BUS}/devices`);
  const found = await Promise.all(ids.map(readDevice));
  return found.filter((device) => device !== undefined).sort((a, b) => Number(a.id) - Number(b.id));
}

/** What makes the kernel ask Ceph for the image's size. */
export function refreshOf({ id }: RbdDevice): string {
  return `${BUS}/devices/${id}/refresh`;
}

/** `undefined` for one that is just going, or not there yet for good. */
async function readDevice(id: string): Promise<RbdDevice | undefined> {
  const attribute = (name: string) => readAttribute(`${BUS}/devices/${id}/${name}`);
  const [line, fsid, pool, namespace, image, snapshot] = await Promise.all(
    ['config_info', 'cluster_fsid', 'pool', 'pool_ns', 'name', 'current_snap'].map(attribute),
  );
  const device = await readBlockDevice(`rbd${id}`);
  if (device === undefined || pool === undefined || image === undefined) return undefined;
  return {
    ...device,
    id,
    label: labelIn(line ?? ''),
    fsid: fsid ?? '',
    pool,
    namespace: namespace ?? '',
    image,
    snapshot: snapshot === undefined || snapshot === '-' ? '' : snapshot,
  };
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []; // The kernel has no such driver, now.
    throw error;
  }
}
