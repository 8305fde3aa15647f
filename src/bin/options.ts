/** The options of every role, from one table: `--name value` or the environment's LOLIGO_NAME; CSI_ENDPOINT is CSI's own. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';
import { LOG_LEVELS, type LogLevel } from '#observability';

interface Row {
  readonly help: string;
  readonly standard: string;
}

export const OPTION_ROWS = {
  endpoint: { standard: 'unix:///run/loligo/csi.sock', help: 'socket of the CSI services (also CSI_ENDPOINT)' },
  'addons-endpoint': { standard: '', help: 'socket of the CSI-Addons services, for replication (controller); empty for none' },
  clusters: { standard: '/etc/loligo/clusters.json', help: 'the cluster configuration' },
  'encryption-keys': { standard: '', help: 'the configuration of encryption keys: see docs/encryption.md; empty for none' },
  'driver-name': { standard: 'rbd.csi.loligo.dev', help: 'name of the CSI driver' },
  instance: { standard: 'default', help: 'which Loligo this is, when several share a pool; never change it' },
  'log-level': { standard: 'info', help: LOG_LEVELS.join(', ') },
  health: { standard: '127.0.0.1:9809', help: 'address:port of /metrics, /healthz and /readyz; empty for none' },
  'call-timeout': { standard: '60', help: 'seconds that one call may take when its caller would wait longer' },
  'ceph-timeout': { standard: '5', help: 'seconds that one operation of Ceph may take before it counts as lost' },
  'creator-lifetime': { standard: '120', help: 'seconds after which a half-made image counts as abandoned' },
  'reap-interval': { standard: '60', help: 'seconds between rounds of housekeeping' },
  'node-volume-limit': { standard: '0', help: 'volumes that a node takes at once; 0 for no limit' },
  'fence-on-force-detach': {
    standard: 'false',
    help: 'cut a node off from Ceph when a volume is taken from it that it still has open',
  },
  'list-published-nodes': { standard: 'true', help: 'ListVolumes tells the nodes of each volume, from its watchers' },
  topology: { standard: '', help: 'file with the topology of pools (controller): see docs/parameters.md' },
  'node-name': { standard: hostname(), help: 'name of this node' },
  'node-address': { standard: '', help: 'addresses that Ceph sees this node by, separated by commas; empty to find out' },
  'node-topology': { standard: '', help: 'topology of this node: label=value, separated by commas' },
  'state-dir': { standard: '/var/lib/loligo', help: 'where a node keeps what it has staged' },
  lease: { standard: 'loligo/loligo-operator', help: 'namespace/name of the Lease that the operator at work holds' },
  'mapper-socket': { standard: '', help: 'socket of the mapper role; empty when the node role starts what carries I/O itself' },
} as const satisfies Record<string, Row>;

const PORT_MAX = 65_535;

type Name = keyof typeof OPTION_ROWS;

/** Throws `invalid` naming the option. */
export class Options {
  readonly #values: ReadonlyMap<string, string>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
    const options = Object.fromEntries(Object.keys(OPTION_ROWS).map((name) => [name, { type: 'string' as const }]));
    const given = parse(args, options);
    const values = new Map<string, string>();
    for (const [name, row] of Object.entries(OPTION_ROWS)) {
      const variable = `LOLIGO_${name.toUpperCase().replaceAll('-', '_')}`;
      const fallback = name === 'endpoint' ? environment['CSI_ENDPOINT'] : undefined;
      values.set(name, given.get(name) ?? environment[variable] ?? fallback ?? row.standard);
    }
    this.#values = values;
  }

  text(name: Name): string {
    return this.#values.get(name) ?? '';
  }

  seconds(name: Name): number {
    const value = Number(this.text(name));
    if (!(value > 0 && value <= 86_400)) throw wrong(name, 'is not a number of seconds');
    return value;
  }

  count(name: Name): number {
    const value = Number(this.text(name));
    if (!Number.isInteger(value) || value < 0) throw wrong(name, 'is not a count');
    return value;
  }

  flag(name: Name): boolean {
    const value = this.text(name);
    if (value !== 'true' && value !== 'false') throw wrong(name, 'is neither true nor false');
    return value === 'true';
  }

  name(name: Name): string {
    const value = this.text(name);
    if (!isName(value) || value.length > 63) throw wrong(name, 'is not a name of letters, digits, dot, dash and underscore');
    return value;
  }

  list(name: Name): string[] {
    return this.text(name)
      .split(',')
      .filter((part) => part !== '');
  }

  get logLevel(): LogLevel {
    const level = LOG_LEVELS.find((known) => known === this.text('log-level'));
    if (level === undefined) throw wrong('log-level', `is none of ${LOG_LEVELS.join(', ')}`);
    return level;
  }

  /** Undefined when the port is switched off. */
  get health(): { readonly address: string; readonly port: number } | undefined {
    const text = this.text('health');
    if (text === '') return undefined;
    const [, address, port] = /^(.+):(\d+)$/.exec(text) ?? [];
    if (address === undefined || port === undefined || Number(port) > PORT_MAX)
      throw wrong('health', `is not address:port, with a port up to ${PORT_MAX}`);
    return { address: address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  }

  /** The content of a JSON file, or undefined when the option is empty. */
  file(name: Name): unknown {
    const path = this.text(name);
    if (path === '') return undefined;
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch (cause) {
      throw wrong(name, 'is not a readable JSON file', cause);
    }
  }
}

function parse(args: readonly string[], options: Record<string, { type: 'string' }>): Map<string, string> {
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return new Map(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'the options cannot be read';
    throw new Failure('invalid', 'OPTION_INVALID', message, { cause });
  }
}

function wrong(name: string, what: string, cause?: unknown): Failure {
  return new Failure('invalid', 'OPTION_INVALID', `--${name} ${what}`, { cause });
}
