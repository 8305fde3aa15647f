import { ClusterConfig } from '#lib/cluster-config';
import type { Log } from '#lib/scope';
import type { Metrics } from '#observability';
import type { Options } from './options.ts';

/**
 * The cluster configuration of a role. When its file becomes unusable, what was read before serves on, and log, metric and
 * /readyz tell. Throws `precondition` when it cannot be used at the start.
 */
export function openConfiguration(options: Options, { log, metrics }: { log: Log; metrics: Metrics }): ClusterConfig {
  const config = new ClusterConfig(options.text('clusters'), (trouble) => {
    metrics.configStale.set(trouble === undefined ? 0 : 1);
    if (trouble === undefined) log.info({}, 'the cluster configuration can be used again');
    else
      log.error(
        { reason: trouble.reason, err: trouble },
        'the cluster configuration cannot be used: what was read before serves on',
      );
  });
  config.names();
  return config;
}

/** A line for /readyz. */
export function troubleOf(config: ClusterConfig): readonly string[] {
  const { trouble } = config;
  return trouble === undefined ? [] : [`cluster configuration: ${trouble.reason}`];
}
