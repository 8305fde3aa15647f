import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Failure } from '#lib/failure';
import { createLogger, createMetrics, serveHealth } from '#observability';
import { KubeApi, Leader, MirrorOperator, NodeWatch, type Sites, Transport } from '#operator';
import { openConfiguration, troubleOf } from './configuration.ts';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { nextSignal } from './next-signal.ts';
import { Options } from './options.ts';
import { VERSION } from './version.ts';

/**
 * Reconciles our objects while it holds the Lease. It ends when it loses it, and its successor goes on: nothing it knows is
 * needed by another.
 */
export async function serveOperator(args: readonly string[]): Promise<void> {
  const options = new Options(args, process.env);
  const log = createLogger(options.logLevel);
  const metrics = createMetrics();
  const transport = Transport.byEnvironment();
  const api = new KubeApi(transport);
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  const leader = new Leader({ api, lease: readLease(options.text('lease')), identity, log });
  const config = openConfiguration(options, { log, metrics });
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { config, log, agents: countAgents(metrics) });
  const driver = options.name('driver-name');
  const operator = new MirrorOperator({ api, sites: sitesOf(clusters), log, metrics, driver, host: hostname() });

  const nodes = new NodeWatch({ api, clusters, log });

  metrics.operatorLeads.set(0);
  // Waiting for the Lease is what a replica is for: it is ready as soon as it runs.
  const health = options.health && (await serveHealth(options.health, { metrics, notReady: () => troubleOf(config) }));
  log.info({ role: 'operator', version: VERSION, identity, healthPort: health?.port }, 'waiting for the Lease');

  const signal = nextSignal();
  const working = work({ leader, operator, nodes, leads: (value) => metrics.operatorLeads.set(value) });
  const why = await Promise.race([signal, working]);
  log.info({ why }, 'stopping');
  // What hangs in Ceph is not waited for: the Lease must be free for the next.
  await Promise.race([
    Promise.all([operator.stop(), nodes.stop()]),
    new Promise((resolve) => setTimeout(resolve, STOP_MS).unref()),
  ]);
  await leader.stop();
  await health?.stop();
  transport.end();
  log.info({}, 'stopped');
  if (why === LOST) process.exitCode = 1;
}

/** Milliseconds that a pass under way gets to end. */
const STOP_MS = 10_000;
const LOST = 'the Lease is lost';

interface Work {
  readonly leader: Leader;
  readonly operator: MirrorOperator;
  readonly nodes: NodeWatch;
  readonly leads: (value: number) => void;
}

async function work({ leader, operator, nodes, leads }: Work): Promise<string> {
  if (!(await leader.take())) return 'stopped';
  leads(1);
  nodes.start(); // A lost node waits for no copy of anything else.
  // Copies that never become whole must not hide that the Lease is gone.
  const started = operator.start();
  await Promise.race([leader.lost, started]);
  await leader.lost;
  leads(0);
  return LOST;
}

function readLease(text: string): { namespace: string; name: string } {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw new Failure('invalid', 'OPTION_INVALID', '--lease is not namespace/name');
  return { namespace, name };
}

function sitesOf(clusters: EngineClusters): Sites {
  return {
    names: (cluster) => clusters.config.sites(cluster),
    engineAt: (cluster, site) => clusters.engineAtSite(cluster, site),
    mirrorUser: (cluster, site) => clusters.config.mirrorUser(cluster, site),
  };
}
