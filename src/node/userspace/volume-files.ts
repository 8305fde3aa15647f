/** What the userspace mapper has in a volume's directory. */
import { join } from 'node:path';

export const DAEMON = 'qemu-storage-daemon';

/** The file that the daemon's export covers. */
export const IMAGE = 'image';

export const FILES = ['ceph.conf', IMAGE, 'qmp.sock', 'daemon.log'];

/** The daemon's control socket. */
export function socketOf(dir: string): string {
  return join(dir, 'qmp.sock');
}
