/** The Ceph configuration of a process that carries I/O: a file of its own, so that nothing is read from /etc/ceph, and no key in it. */
import { Failure } from '#lib/failure';
import type { MapOptions, MapSpec } from './mapper.ts';

/** What `mapOptions` may set: librbd's and librados' own names that do not change what a write means. */
const SETTABLE: ReadonlySet<string> = new Set([
  'rbd_read_from_replica_policy',
  'rbd_readahead_max_bytes',
  'rbd_readahead_trigger_requests',
  'rbd_readahead_disable_after_bytes',
  'rbd_skip_partial_discard',
  'rbd_discard_granularity_bytes',
  'objecter_inflight_ops',
  'objecter_inflight_op_bytes',
  'crush_location',
]);

export function checkOptions(mapper: string, options: MapOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!SETTABLE.has(name)) throw new Failure('invalid', 'MAP_OPTION_UNKNOWN', `mapOptions: the ${mapper} mapper has no ${name}`);
    if (!/^[A-Za-z0-9_.:-]+$/.test(value)) throw new Failure('invalid', 'MAP_OPTION_INVALID', `mapOptions: the value of ${name}`);
  }
}

/**
 * No time limit for an I/O operation: a write waits for Ceph as long as it takes, it must not fail. Only connecting is
 * bounded. No cache in librbd (set when the image is opened too): the kernel's is above it, and a daemon that must be
 * killed then holds nothing that was acknowledged.
 */
export function librbdConf({ connection, options }: MapSpec, own: Readonly<Record<string, string>>): string {
  const settings = {
    mon_host: connection.monitors.join(' '),
    log_file: '/dev/null',
    ...own,
    client_mount_timeout: '20',
    rados_osd_op_timeout: '0',
    rbd_cache: 'false',
    ...options,
  };
  return `[global]\n${Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`;
}
