import type { AgentEvents } from '#agent';
import {
  type ClusterState,
  ClusterWatch,
  type Controller,
  controllerService,
  groupControllerService,
  Reaper,
  ReplicationClock,
  readTopology,
  replicationServices,
  snapshotMetadataService,
} from '#csi';
import { KeyRing } from '#keys';
import { openConfiguration, troubleOf } from './configuration.ts';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import type { Part, Surroundings } from './part.ts';
import { VERSION } from './version.ts';

/** Milliseconds between looks at the clusters, for /readyz, the metrics and the log: nobody need ask for Probe. */
const LOOK_EVERY_MS = 15_000;
/** What leaves something for the reaper when it is done. */
const MAKES_WORK = new Set(['deleteVolume', 'deleteSnapshot', 'deleteGroupSnapshot']);

/** A volume that was made may wait for its flatten until the next round; whoever waits for a flatten asks again. */
function leavesWork({ operation, outcome }: { readonly operation: string; readonly outcome: string }): boolean {
  return outcome === 'unfinished' || MAKES_WORK.has(operation);
}

function troubleAt({ cluster, failure }: ClusterState): readonly string[] {
  return failure === undefined ? [] : [`cluster ${cluster}: ${failure.reason}`];
}

/** The controller's services, the agents behind them, and the reaper. */
export function controllerPart({ options, host, metrics, program }: Surroundings): Part {
  const counted = countAgents(metrics);
  const agents: AgentEvents = {
    ...counted,
    called: (cluster, call) => {
      counted.called(cluster, call);
      if (leavesWork(call)) reaper.wake();
    },
  };
  const config = openConfiguration(options, { log: host.log, metrics });
  const clusters = new EngineClusters(options, program, { config, log: host.log, agents });
  const reaper = new Reaper({ clusters, log: host.log, metrics, interval: options.seconds('reap-interval') * 1000 });
  const watch = new ClusterWatch(clusters, metrics.clusterUp);
  const controller: Controller = {
    clusters,
    keys: new KeyRing(options.text('encryption-keys')),
    topology: readTopology(options.file('topology')),
    nodeVolumeLimit: options.count('node-volume-limit'),
    fenceOnForceDetach: options.flag('fence-on-force-detach'),
    listPublishedNodes: options.flag('list-published-nodes'),
  };
  const look = (): void => void watch.look({ deadline: Date.now() + 2000, log: host.log }).catch(() => undefined);
  let looking: NodeJS.Timeout | undefined;
  const replicates = options.text('addons-endpoint') !== '';
  const clock = replicates ? new ReplicationClock(clusters, host.log) : undefined;
  const replication = {
    clusters,
    siteNames: (cluster: string) => clusters.config.sites(cluster),
    engineAtSite: (cluster: string, site: string) => clusters.engineAtSite(cluster, site),
    driverName: options.name('driver-name'),
    version: VERSION,
  };
  return {
    addons: replicates ? replicationServices(host, replication) : [],
    services: [
      controllerService(host, controller),
      groupControllerService(host, controller),
      snapshotMetadataService(host, controller),
    ],
    look: (scope) => watch.look(scope),
    notReady: () => [...troubleOf(config), ...watch.states.flatMap(troubleAt)],
    start: () => {
      // At once too: the first call should not wait for a connection.
      look();
      looking = setInterval(look, LOOK_EVERY_MS);
      reaper.wake();
      clock?.start();
    },
    stop: async () => {
      clearInterval(looking);
      reaper.stop();
      clock?.stop();
      await clusters[Symbol.asyncDispose]();
    },
  };
}
