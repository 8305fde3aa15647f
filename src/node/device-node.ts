/** The node in /dev through which a device is reached. Whose /dev it is, who makes nodes there, is not for us to know. */
import { stat } from 'node:fs/promises';
import { Failure } from '#lib/failure';
import { isErrno } from './errno.ts';
import type { Device } from './mapper.ts';

/** `major:minor` of the device whose node is at the path; '' for anything else. */
export async function numberAt(path: string): Promise<string> {
  const found = await stat(path);
  // makedev(3): the low 8 bits of minor, 12 of major, then the rest of minor.
  return found.isBlockDevice() ? `${(found.rdev >> 8) & 0xfff}:${(found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00)}` : '';
}

/** Gives the device when its node leads to it, and not to another device or nowhere: before anything is read or written there. */
export async function throughItsNode(device: Device): Promise<Device> {
  if ((await numberOrNone(device.path)) === device.number) return device;
  throw new Failure('precondition', 'DEVICE_NODE_WRONG', `${device.path} is not the node of the device ${device.number}`);
}

async function numberOrNone(path: string): Promise<string> {
  try {
    return await numberAt(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
