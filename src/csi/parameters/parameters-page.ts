import { PARAMETERS, type ParameterRow } from './table.ts';

/** docs/parameters.md, made from the table. */
export function parametersPage(): string {
  const rows: readonly [string, ParameterRow][] = Object.entries(PARAMETERS);
  const line = ([key, row]: [string, ParameterRow]): string =>
    `| \`${key}\` | ${row.form} | ${row.otherwise} | ${row.says}${row.mutable ? ' **Mutable.**' : ''} |`;
  return `# Parameters

Made by \`make update\` from \`src/csi/parameters/table.ts\`; a test holds the two together.

## StorageClass

A parameter that is not in this table is refused, by name. Those marked **mutable** may stand in a VolumeAttributesClass too,
where they take the place of the StorageClass's, and can be changed later.

| Parameter | Form | When not given | What it does |
| --- | --- | --- | --- |
${rows.map(line).join('\n')}
| \`rbd_qos_[read_\\|write_]{iops,bps}_{limit,burst}\` | a number or size; 0 takes the limit away | no limit | librbd's limits of one image, where librbd does the I/O (mappers \`nbd\`, \`userspace\`); a change holds from the next time the volume is staged. The kernel's client knows no limits: for volumes whose class says \`mapper: krbd\` they are refused, also in a later change. Where the class names no mapper nobody knows which one a node has, and a limit has no effect where that is \`krbd\`: say \`mapper: nbd\` or \`mapper: userspace\` in classes whose volumes are to be limited. **Mutable.** |

The names that the sidecars add with \`--extra-create-metadata\` (\`csi.storage.k8s.io/pvc/name\` and so on) are kept with the volume, with its
access modes, file system and mapper: for people who look at the image, and for \`loligo recover\` ([disaster recovery](disaster-recovery.md)). Other \`csi.storage.k8s.io/\` keys are ignored.

### mapOptions

Of \`krbd\`, as the kernel documents them; those that older kernels lack, they refuse:

| Option | Value |
| --- | --- |
| \`ms_mode\` | \`legacy\`, \`crc\`, \`secure\`, \`prefer-crc\`, \`prefer-secure\`; left out, \`legacy\` where the cluster configuration has addresses for it (port 6789), else \`prefer-crc\` |
| \`read_from_replica\` | \`no\`, \`balance\`, \`localize\` |
| \`crush_location\` | \`zone:a\`, several with a bar between: \`zone:a\\|host:b\` |
| \`queue_depth\`, \`alloc_size\`, \`lock_timeout\`, \`osdkeepalive\`, \`osd_idle_ttl\` | a number |
| \`compression_hint\` | \`none\`, \`compressible\`, \`incompressible\` |
| \`exclusive\`, \`lock_on_read\`, \`notrim\`, \`rxbounce\`, \`crc\`, \`tcp_nodelay\`, \`cephx_sign_messages\` | \`true\` or \`false\` |

Of \`nbd\` and \`userspace\`, librbd's own: \`rbd_read_from_replica_policy\`, \`crush_location\`, \`rbd_readahead_max_bytes\`, \`rbd_readahead_trigger_requests\`,
\`rbd_readahead_disable_after_bytes\`, \`rbd_skip_partial_discard\`, \`rbd_discard_granularity_bytes\`, \`objecter_inflight_ops\`, \`objecter_inflight_op_bytes\`.

### Topology

\`topologyPools\` maps where nodes are to pools:

\`\`\`json
[
  { "pool": "rbd-a", "segments": { "topology.kubernetes.io/zone": "a" } },
  { "pool": "rbd-b", "dataPool": "rbd-b-ec", "segments": { "topology.kubernetes.io/zone": "b" } }
]
\`\`\`

A volume goes to the first pool whose segments the first preferred topology has, then the next one; without any wish, to the first
pool. When no pool fits, the answer is RESOURCE_EXHAUSTED.

The file that the controller's option \`--topology\` names has such a list for each cluster, \`{"prod": [ … ]}\`, which answers that no class stands behind (listings, snapshots) take their topology from.

## VolumeSnapshotClass and VolumeGroupSnapshotClass

No parameters of their own: the sidecars' names are kept, everything else is refused.

## Secrets

| Key | What it is |
| --- | --- |
| \`userID\` | a CephX user without \`client.\` |
| \`userKey\` | its key |

Both or none; they take the place of the cluster configuration's user for the calls they come with. Other keys are ignored.
`;
}
