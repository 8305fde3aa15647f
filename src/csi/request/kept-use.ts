import type { VolumeCapability } from '../generated/messages.ts';
import type { ParameterValues } from '../parameters/table.ts';

const MAPPER = 'mapper';

/** Kubernetes' words for what the provisioner made of them. */
const MODES: Readonly<Record<string, string>> = {
  SINGLE_NODE_WRITER: 'ReadWriteOnce',
  SINGLE_NODE_MULTI_WRITER: 'ReadWriteOnce',
  SINGLE_NODE_SINGLE_WRITER: 'ReadWriteOncePod',
  MULTI_NODE_READER_ONLY: 'ReadOnlyMany',
  MULTI_NODE_MULTI_WRITER: 'ReadWriteMany',
};

/**
 * How Kubernetes uses a volume, kept with it beside the names: enough to build its PersistentVolume again from the pool alone.
 * Nothing without Kubernetes, which shows by the names.
 */
export function keptUse(
  labels: Readonly<Record<string, string>>,
  capabilities: readonly VolumeCapability[],
): Readonly<Record<string, string>> {
  if (labels['pv/name'] === undefined) return labels;
  const modes = new Set(capabilities.flatMap(({ accessMode }) => MODES[accessMode?.mode ?? ''] ?? []));
  const [first] = capabilities;
  const fs = first?.mount?.fsType ?? '';
  return {
    ...labels,
    'pv/accessModes': [...modes].join(','),
    'pv/volumeMode': first?.accessType === 'block' ? 'Block' : 'Filesystem',
    ...(fs === '' ? {} : { 'pv/fsType': fs }),
  };
}

/** What the class says of the mapper: a change of the volume comes without its class. */
export function keptMapper({ mapper }: ParameterValues): Readonly<Record<string, string>> {
  return mapper === undefined ? {} : { [MAPPER]: mapper };
}

export function mapperOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[MAPPER];
}
