/** What is written to `/sys/bus/rbd/add_single_major`: `MONITORS OPTIONS POOL IMAGE SNAPSHOT`. The kernel shows it for ever. */
import { Failure } from '#lib/failure';
import type { MapSpec } from '../mapper.ts';
import { type Address, monitorAddresses } from '../monitors.ts';
import { kernelOptions } from './options.ts';

/** Seconds in which a connection must come about; the kernel's own value is 60. Longer than any election of monitors. */
const MOUNT_TIMEOUT = 20;

/** `shared`: one client of the kernel for all images of a user, as long as one is mapped. */
export type Client = 'shared' | 'own';

/** `label` is the name of the key in the kernel's keyring, and how the device is found again. */
export function addLine(label: string, { image, readonly, options, connection }: MapSpec, client: Client): string {
  const { mode, addresses } = monitorsFor(options['ms_mode'], connection.monitors);
  const told = [
    `name=${connection.user}`,
    `key=${label}`,
    `mount_timeout=${MOUNT_TIMEOUT}`,
    ...(mode === undefined ? [] : [`ms_mode=${mode}`]),
    ...kernelOptions(options),
    ...(image.namespace === '' ? [] : [`_pool_ns=${image.namespace}`]),
    ...(readonly ? ['ro'] : []),
    ...(client === 'own' ? ['noshare'] : []),
  ];
  const monitors = addresses.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return `${monitors} ${told.join(',')} ${image.pool} ${image.image} -`;
}

/** The label in what the kernel shows of a device; '' for one that is none of ours. */
export function labelIn(line: string): string {
  return /[ ,]key=([^ ,]+)/.exec(line)?.[1] ?? '';
}

/**
 * The kernel speaks one protocol with the monitors, of two that have ports of their own. Without a wish it is the first one,
 * which every kernel knows, unless the configuration has addresses of the second only.
 */
function monitorsFor(mode: string | undefined, monitors: readonly string[]): { mode?: string; addresses: readonly Address[] } {
  const messenger = mode === undefined || mode === 'legacy' ? 1 : 2;
  const all = monitorAddresses(monitors);
  const addresses = all.filter((address) => address.messenger === messenger);
  if (addresses.length > 0) return { addresses };
  if (mode === undefined) return { mode: 'prefer-crc', addresses: all };
  const message = `mapOptions: for ms_mode=${mode} the cluster configuration has no monitor address with port ${messenger === 1 ? 6789 : 3300}`;
  throw new Failure('precondition', 'MONITOR_ADDRESS_MISSING', message);
}
