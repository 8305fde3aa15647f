import { type Node, nodeService } from '#csi';
import { KeyRing } from '#keys';
import type { ClusterConfig } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { NodeId } from '#lib/node-id';
import { EncryptedMapper, KrbdMapper, LocalKeeper, ownAddresses, RemoteKeeper, type Unwrap, UserspaceMapper } from '#node';
import { openConfiguration, troubleOf } from './configuration.ts';
import type { Options } from './options.ts';
import type { Part, Surroundings } from './part.ts';

/** The node's services. Nothing runs in here between calls: what carries I/O are processes of their own. */
export function nodePart({ options, host, metrics }: Surroundings): Part {
  const clusters = openConfiguration(options, { log: host.log, metrics });
  const mapperRole = options.text('mapper-socket');
  const keeper = mapperRole === '' ? new LocalKeeper() : new RemoteKeeper(mapperRole);
  const name = options.name('node-name');
  const keys = new KeyRing(options.text('encryption-keys'));
  const unwrap: Unwrap = (storedKey, handle) => keys.unwrap(storedKey, handle);
  const mappers = [new KrbdMapper(name), new UserspaceMapper(keeper, name)].map((mapper) => new EncryptedMapper(mapper, unwrap));
  const node: Node = {
    host: { stateDir: options.text('state-dir'), mappers },
    clusters,
    id: () => nodeId(options, clusters),
    volumeLimit: options.count('node-volume-limit'),
    segments: segmentsOf(options),
  };
  return {
    services: [nodeService(host, node)],
    look: async () => [],
    notReady: () => troubleOf(clusters),
    start: () => undefined,
    stop: async () => undefined,
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
