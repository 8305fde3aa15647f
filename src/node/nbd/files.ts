/** What the nbd mapper has in a volume's directory. */
import { join } from 'node:path';

export const PROGRAM = 'rbd-nbd';

export const FILES = ['nbd.conf', 'nbd.json', 'nbd.sock', 'nbd.log'];

/** The process' Ceph configuration, and the argument by which the process is found. */
export function confOf(dir: string): string {
  return join(dir, 'nbd.conf');
}

/** What is mapped, for a process that has to take over. */
export function specOf(dir: string): string {
  return join(dir, 'nbd.json');
}

/** The process' admin socket: it listens from before the image is opened until after it was closed. */
export function nbdSocket(dir: string): string {
  return join(dir, 'nbd.sock');
}

/** What the process says, from its start. */
export function logOf(dir: string): string {
  return join(dir, 'nbd.log');
}
