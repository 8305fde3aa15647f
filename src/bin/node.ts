import { type Node, nodeService } from '#csi';
import { KeyRing } from '#keys';
import type { ClusterConfig, ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { NodeId } from '#lib/node-id';
import {
  EncryptedMapper,
  Healer,
  type Keepers,
  KrbdMapper,
  LocalKeeper,
  LocalNbdKeeper,
  NbdMapper,
  ownAddresses,
  remoteKeepers,
  type Unwrap,
  UserspaceMapper,
} from '#node';
import { openConfiguration, troubleOf } from './configuration.ts';
import type { Options } from './options.ts';
import type { Part, Surroundings } from './part.ts';

/** The node's services. What carries I/O are processes of their own; here runs nothing but what brings those back. */
export function nodePart({ options, host, metrics }: Surroundings): Part {
  const clusters = openConfiguration(options, { log: host.log, metrics });
  const mapperRole = options.text('mapper-socket');
  const keepers: Keepers = mapperRole === '' ? { daemon: new LocalKeeper(), nbd: new LocalNbdKeeper() } : remoteKeepers(mapperRole);
  const name = options.name('node-name');
  const keys = new KeyRing(options.text('encryption-keys'));
  const unwrap: Unwrap = (storedKey, handle) => keys.unwrap(storedKey, handle);
  // A node chooses the first that it can use; rbd-nbd only where a class names it.
  const plain = [new KrbdMapper(name), new UserspaceMapper(keepers.daemon, name), new NbdMapper(keepers, name)];
  const mappers = plain.map((mapper) => new EncryptedMapper(mapper, unwrap));
  const node: Node = {
    host: { stateDir: options.text('state-dir'), mappers },
    clusters,
    id: () => nodeId(options, clusters),
    volumeLimit: options.count('node-volume-limit'),
    segments: segmentsOf(options),
  };
  const connect = (cluster: string): ClusterConnection => clusters.get(cluster);
  const healer = new Healer({ host: node.host, connect, locks: host.locks, log: host.log });
  return {
    services: [nodeService(host, node)],
    look: async () => [],
    notReady: () => troubleOf(clusters),
    start: () => undefined,
    stop: () => healer.stop(),
  };
}

async function nodeId(options: Options, clusters: ClusterConfig): Promise<NodeId> {
  const given = options.list('node-address');
  const monitors = clusters.names().flatMap((name) => clusters.get(name).monitors);
  const addresses = given.length > 0 ? given : await ownAddresses(monitors);
  if (addresses.length === 0) {
    throw new Failure('precondition', 'NODE_ADDRESS_UNKNOWN', 'no way to a monitor was found; --node-address can tell the address');
  }
  return { name: options.name('node-name'), addresses };
}

function segmentsOf(options: Options): Readonly<Record<string, string>> {
  return Object.fromEntries(options.list('node-topology').map(readSegment));
}

function readSegment(text: string): readonly [string, string] {
  const [, label, value] = /^([A-Za-z0-9./_-]+)=([A-Za-z0-9._-]+)$/.exec(text) ?? [];
  if (label === undefined || value === undefined) {
    throw new Failure('invalid', 'OPTION_INVALID', '--node-topology is not of the form label=value,label=value');
  }
  return [label, value];
}
