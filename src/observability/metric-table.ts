/** Every metric of the product, in one table: the registry is built from it, and docs/metrics.md. */
export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

/** Seconds: from a call that touches nothing to the two minutes that kubelet waits. */
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 120] as const;

export const METRICS = {
  operationSeconds: {
    kind: 'histogram',
    name: 'csi_operation_seconds',
    help: 'Time until a CSI call was answered, by method and gRPC code.',
    labels: ['method', 'code'],
    buckets: SECONDS,
  },
  operationsInFlight: {
    kind: 'gauge',
    name: 'csi_operations_in_flight',
    help: 'CSI calls that are being worked on, those included whose caller was answered already.',
    labels: ['method'],
  },
  agentCallSeconds: {
    kind: 'histogram',
    name: 'loligo_agent_call_seconds',
    help: 'Time until an agent answered an engine call, by outcome: ok, or the kind of the failure.',
    labels: ['cluster', 'operation', 'outcome'],
    buckets: SECONDS,
  },
  agentCallsInFlight: {
    kind: 'gauge',
    name: 'loligo_agent_calls_in_flight',
    help: 'Engine calls that an agent has not answered yet.',
    labels: ['cluster'],
  },
  agentStarts: {
    kind: 'counter',
    name: 'loligo_agent_starts_total',
    help: 'Agents started, by why: first (none was there), stuck (it replaces one that got no answers), died.',
    labels: ['cluster', 'why'],
  },
  configStale: {
    kind: 'gauge',
    name: 'loligo_config_stale',
    help: '1 while the cluster configuration as it lies there cannot be used and what was read before serves on, else 0.',
    labels: [],
  },
  clusterUp: {
    kind: 'gauge',
    name: 'loligo_cluster_up',
    help: '1 when the cluster answered the last look, 0 when it did not; looked at every 15 seconds.',
    labels: ['cluster'],
  },
  volumes: {
    kind: 'gauge',
    name: 'loligo_volumes',
    help: 'Volumes of the cluster: images in the directories of its pools and namespaces, whoever made them; counted every `--reap-interval`.',
    labels: ['cluster'],
  },
  reaperPurged: {
    kind: 'counter',
    name: 'loligo_reaper_purged_total',
    help: 'Deleted volumes whose space the reaper gave back.',
    labels: ['cluster', 'pool'],
  },
  reaperFlattened: {
    kind: 'counter',
    name: 'loligo_reaper_flattened_total',
    help: 'Clones that the reaper made independent of their parent.',
    labels: ['cluster', 'pool'],
  },
  reaperFailed: {
    kind: 'counter',
    name: 'loligo_reaper_failed_total',
    help: 'Images and trash entries that a pass of the reaper could not deal with.',
    labels: ['cluster', 'pool'],
  },
  reaperWaiting: {
    kind: 'gauge',
    name: 'loligo_reaper_waiting',
    help: 'Deleted volumes that wait in the trash: for their retention, or for their clones.',
    labels: ['cluster', 'pool'],
  },
  operatorPassSeconds: {
    kind: 'histogram',
    name: 'loligo_operator_pass_seconds',
    help: 'Time of a pass over an object of ours, by how it ended: settled, waiting, or the kind of the failure.',
    labels: ['kind', 'ending'],
    buckets: SECONDS,
  },
  operatorLeads: {
    kind: 'gauge',
    name: 'loligo_operator_leads',
    help: '1 where the operator is at work, 0 where it waits for the Lease.',
    labels: [],
  },
  mirrorVolumes: {
    kind: 'gauge',
    name: 'loligo_mirror_volumes',
    help: 'Volumes of a MirrorPolicy, by state: replicating, syncing, failed, split-brain, unprotected.',
    labels: ['policy', 'state'],
  },
  mirrorLag: {
    kind: 'gauge',
    name: 'loligo_mirror_lag_seconds',
    help: 'How old the newest state is that the other site has whole, of the volume furthest behind; NaN when nobody can tell.',
    labels: ['policy'],
  },
  mirrorLoss: {
    kind: 'gauge',
    name: 'loligo_mirror_loss_if_forced_seconds',
    help: 'What would be lost if the other site were promoted by force now, of the worst volume; NaN when nobody can tell.',
    labels: ['policy'],
  },
  mirrorEpoch: {
    kind: 'gauge',
    name: 'loligo_mirror_epoch',
    help: 'The epoch of a MirrorPolicy, which grows with each move of the primary site.',
    labels: ['policy'],
  },
} as const satisfies Record<string, MetricRow>;
