/** How the daemon is told to open an image. */
import { join } from 'node:path';
import { Failure } from '#lib/failure';
import type { MapSpec } from '../mapper.ts';
import type { Qmp, QmpArguments } from './qmp.ts';

/** What the daemon calls the CephX key that it was given. */
export const KEY = 'key';

/** Of its Ceph configuration. */
export const NO_FILES = { keyring: '/dev/null', admin_socket: '""' };

/**
 * The key goes to the daemon's memory by its control socket: never into an argument, a file or the environment. It
 * stays there, for NodeExpandVolume need not bring the secrets that the volume was staged with.
 */
export async function addSecret(qmp: Qmp, key: string): Promise<void> {
  if (!/^[A-Za-z0-9+/]+=*$/.test(key)) throw new Failure('unauthenticated', 'KEY_INVALID', 'the CephX key is not base64');
  await qmp.ask('object-add', { 'qom-type': 'secret', id: KEY, data: key, format: 'base64' });
}

export async function addNode(qmp: Qmp, name: string, options: QmpArguments): Promise<void> {
  await qmp.ask('blockdev-add', { ...options, 'node-name': name });
}

export function imageOptions(dir: string, { image, readonly, connection }: MapSpec): QmpArguments {
  return {
    driver: 'rbd',
    pool: image.pool,
    ...(image.namespace === '' ? {} : { namespace: image.namespace }),
    image: image.image,
    user: connection.user,
    conf: join(dir, 'ceph.conf'),
    'key-secret': KEY,
    'read-only': readonly,
    discard: 'unmap',
    cache: { direct: true },
  };
}
