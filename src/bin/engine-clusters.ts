import { type AgentEvents, AgentPool } from '#agent';
import type { Clusters } from '#csi';
import type { ClusterConfig } from '#lib/cluster-config';
import type { Log } from '#lib/scope';
import type { Metrics } from '#observability';
import type { Options } from './options.ts';

/** Threads of an agent, and operations at work in it at once: as many as may be stuck before others feel it. */
const AT_ONCE = 32;
const MAX_IN_FLIGHT = 1000;
const MAX_AGENTS = 24;

/** What the agents are started with and told to. */
export interface EngineSurroundings {
  readonly config: ClusterConfig;
  readonly log: Log;
  readonly agents: AgentEvents;
}

/** The configured clusters, each served by agents of this process. */
export class EngineClusters implements Clusters, AsyncDisposable {
  readonly config: ClusterConfig;
  readonly pool: AgentPool;

  constructor(options: Options, program: string, { config, log, agents }: EngineSurroundings) {
    this.config = config;
    const settings = {
      program: { module: program, threads: AT_ONCE, nodeFlags: ['--max-old-space-size=128'] },
      instance: options.name('instance'),
      operationTimeout: options.seconds('ceph-timeout'),
      creatorLife: options.seconds('creator-lifetime'),
      atOnce: AT_ONCE,
      maxInFlight: MAX_IN_FLIGHT,
      maxAgents: MAX_AGENTS,
    };
    this.pool = new AgentPool(settings, log, agents);
  }

  names(): readonly string[] {
    return this.config.names();
  }

  engineAt(...[cluster, credentials]: Parameters<Clusters['engineAt']>): ReturnType<Clusters['engineAt']> {
    return this.pool.engine(this.config.get(cluster, credentials));
  }

  /** At one of the sites behind a cluster. */
  engineAtSite(cluster: string, site: string): ReturnType<Clusters['engineAt']> {
    return this.pool.engine(this.config.at(cluster, site));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
  }
}

export function countAgents(metrics: Metrics): AgentEvents {
  return {
    started: (cluster, why) => metrics.agentStarts.inc({ cluster, why }),
    called: (cluster, { operation, outcome, seconds }) =>
      metrics.agentCallSeconds.observe({ cluster, operation, outcome }, seconds),
    inFlight: (cluster, calls) => metrics.agentCallsInFlight.set({ cluster }, calls),
  };
}
