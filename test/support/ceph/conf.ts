/** The ceph.conf and the keyrings of a micro cluster: text in, text out. */
import { randomBytes } from 'node:crypto';

/** Where the daemons listen, and whence Ceph's programs ask them. */
export interface Network {
  readonly address: string;
  /** The file of a network namespace, as `nsenter --net` takes it; by default the caller's. */
  readonly namespace?: string;
}

export const LOOPBACK: Network = { address: '127.0.0.1' };

/** The argument list that runs a program in that network. */
export function inNetwork({ namespace }: Network, command: readonly string[]): readonly string[] {
  return namespace === undefined ? command : ['nsenter', `--net=${namespace}`, '--', ...command];
}

export interface Layout {
  readonly dir: string;
  /** Admin sockets lie here: a socket's path may have 107 bytes, a checkout's path is often longer. */
  readonly sockets: string;
  readonly fsid: string;
  readonly network: Network;
  /** `[v2:127.0.0.1:port/0,v1:127.0.0.1:port/0]` */
  readonly monitors: string;
}

/** Any option of ceph.conf, for the [global] section; the last one wins. */
export type Settings = Readonly<Record<string, string>>;

const QUIET: Settings = {
  mon_allow_pool_delete: 'true',
  mon_allow_pool_size_one: 'true',
  mon_warn_on_pool_no_redundancy: 'false',
  mon_warn_on_insecure_global_id_reclaim: 'false',
  mon_warn_on_insecure_global_id_reclaim_allowed: 'false',
  auth_allow_insecure_global_id_reclaim: 'false',
  // The developer's disk being nearly full is none of the tests' business.
  mon_data_avail_warn: '1',
  mon_data_avail_crit: '0',
  mon_max_pg_per_osd: '10000',
  mgr_initial_modules: '',
};

const SMALL: Settings = {
  osd_pool_default_size: '1',
  osd_pool_default_min_size: '1',
  osd_pool_default_pg_num: '8',
  osd_pool_default_pgp_num: '8',
  osd_pool_default_pg_autoscale_mode: 'off',
  osd_crush_chooseleaf_type: '0',
  osd_max_pg_per_osd_hard_ratio: '10',
  // An OSD without peers asks for a new map this often only (seconds; else 30), so it learns late that it was marked down.
  osd_heartbeat_interval: '1',
  osd_mon_heartbeat_interval: '1',
  // A file counts as a slow disk: between the objects of a removed snapshot the OSD would rest five seconds.
  osd_snap_trim_sleep_hdd: '0',
  osd_delete_sleep_hdd: '0',
  // A sparse file: it takes on disk what tests write.
  bluestore_block_size: String(20 * 2 ** 30),
  bluestore_cache_autotune: 'false',
  bluestore_cache_size: String(64 * 2 ** 20),
};

export function cephConf(layout: Layout, settings: Settings): string {
  const { dir, sockets, fsid, monitors, network } = layout;
  const global: Settings = {
    fsid,
    mon_host: monitors,
    public_addr: network.address,
    auth_cluster_required: 'cephx',
    auth_service_required: 'cephx',
    auth_client_required: 'cephx',
    keyring: `${dir}/$name.keyring`,
    run_dir: sockets,
    crash_dir: `${dir}/crash`,
    ...QUIET,
    ...SMALL,
    ...settings,
  };
  const daemon: Settings = {
    admin_socket: `${sockets}/$name.asok`,
    log_file: `${dir}/log/$name.log`,
    log_to_stderr: 'false',
    err_to_stderr: 'true',
  };
  return [
    ...section('global', global),
    ...section('mon', {
      ...daemon,
      keyring: `${dir}/mon/keyring`,
      mon_data: `${dir}/mon`,
      mon_cluster_log_file: `${dir}/log/cluster.log`,
    }),
    ...section('mgr', { ...daemon, mgr_data: `${dir}/mgr` }),
    ...section('osd', { ...daemon, osd_data: `${dir}/osd` }),
  ].join('\n');
}

function section(name: string, settings: Settings): string[] {
  return [`[${name}]`, ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`), ''];
}

/** Who there is from the start, with the capabilities the monitor stores for them. */
const ENTITIES: Readonly<Record<string, Settings>> = {
  'mon.': { mon: 'allow *' },
  'client.admin': { mon: 'allow *', mgr: 'allow *', osd: 'allow *', mds: 'allow *' },
  'mgr.x': { mon: 'allow profile mgr', osd: 'allow *', mds: 'allow *' },
  'osd.0': { mon: 'allow profile osd', mgr: 'allow profile osd', osd: 'allow *' },
};

/** One keyring a file, and `all`, which the monitor reads when its store is made. */
export function makeKeyrings(): Map<string, string> {
  const keyrings = new Map<string, string>();
  for (const [entity, caps] of Object.entries(ENTITIES)) {
    const lines = Object.entries(caps).map(([service, cap]) => `\tcaps ${service} = "${cap}"`);
    keyrings.set(entity, [`[${entity}]`, `\tkey = ${newKey()}`, ...lines, ''].join('\n'));
  }
  return keyrings.set('all', [...keyrings.values()].join(''));
}

/** A cephx secret as Ceph encodes it: type 1 (AES), time, length, 16 bytes. */
function newKey(): string {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(16, 10);
  return Buffer.concat([head, randomBytes(16)]).toString('base64');
}
