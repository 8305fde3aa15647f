/**
 * Whether this process is well, which is not whether Ceph is. A liveness probe restarts what does not answer it, and a
 * restart cures no outage: it only takes away what still works (other clusters, calls that need no cluster, the calls
 * that are being retried). So a cluster that is away leaves Probe at OK; it shows in the log, in the metric
 * loligo_cluster_up and at /readyz. FAILED_PRECONDITION is for what makes the process useless until somebody changes
 * something: a configuration that cannot be read, or that every cluster refuses us for good (a wrong key, a missing
 * capability, the wrong Ceph behind a name).
 */
import { Failure, isUnsettled } from '#lib/failure';
import type { ProbeRequest, ProbeResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { ClusterState } from './cluster-watch.ts';
import type { Identity } from './identity.ts';

export const probe: Rpc<Identity, ProbeRequest, Record<never, never>, ProbeResponse> = {
  read: () => ({}),

  async run({ look }, _want, scope) {
    const refusal = refusalOf(await look(scope));
    if (refusal !== undefined) throw refusal;
    return { ready: { value: true } };
  },
};

/** The reason why nothing can be served until somebody acts, or `undefined`. */
function refusalOf(states: readonly ClusterState[]): Failure | undefined {
  const refused = states.filter(({ failure }) => failure !== undefined && !isUnsettled(failure) && failure.kind !== 'busy');
  if (states.length === 0 || refused.length < states.length) return undefined;
  const causes = refused.map(({ cluster, failure }) => `${cluster}: ${failure?.reason}: ${failure?.message}`);
  return new Failure('precondition', 'NO_CLUSTER_SERVES', `no cluster serves us: ${causes.join('; ')}`);
}
