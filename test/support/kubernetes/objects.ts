/** Kubernetes objects that the stories are made of; a story gives only what matters to it. */
import { imageName } from './places.ts';

export interface ClaimOptions {
  readonly size?: string;
  readonly class?: string;
  readonly access?: 'ReadWriteOnce' | 'ReadWriteMany' | 'ReadOnlyMany' | 'ReadWriteOncePod';
  readonly mode?: 'Filesystem' | 'Block';
  /** What it starts as: a snapshot's or another claim's content. */
  readonly source?: Source;
  /** A VolumeAttributesClass. */
  readonly attributes?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type Source = { readonly snapshot: string } | { readonly claim: string };

export interface PodOptions {
  readonly node?: string;
  /** Names of claims by where the pod has them: a folder, or a path below /dev for a raw block volume. */
  readonly claims?: Readonly<Record<string, string>>;
  /** The claims are mounted read-only. */
  readonly readOnly?: boolean;
  readonly command?: readonly string[];
  /** More of the pod's spec, and of its container. */
  readonly spec?: object;
  readonly container?: object;
}

const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';

/** By default 64 MiB of the class `loligo`, for one node. */
export function claim(name: string, options: ClaimOptions = {}): object {
  const { access = 'ReadWriteOnce', size = '64Mi', mode = 'Filesystem', source, attributes, labels = {} } = options;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels },
    spec: {
      storageClassName: options.class ?? 'loligo',
      accessModes: [access],
      volumeMode: mode,
      resources: { requests: { storage: size } },
      ...(source !== undefined && { dataSource: dataSource(source) }),
      ...(attributes !== undefined && { volumeAttributesClassName: attributes }),
    },
  };
}

function dataSource(source: Source): object {
  if ('claim' in source) return { kind: 'PersistentVolumeClaim', name: source.claim };
  return { apiGroup: SNAPSHOT_GROUP, kind: 'VolumeSnapshot', name: source.snapshot };
}

/** A busybox that waits to be told what to do by `namespace.exec`. */
export function pod(name: string, options: PodOptions = {}): object {
  const { node, claims = {}, readOnly = false, command = ['sleep', '100000'], spec, container } = options;
  const used = Object.entries(claims).map(([path, claimName], index) => ({ path, claimName, name: `volume-${index}` }));
  const devices = used.filter(({ path }) => path.startsWith('/dev/'));
  const folders = used.filter((volume) => !devices.includes(volume));
  const main = {
    name: 'main',
    image: imageName('busybox'),
    command,
    volumeMounts: folders.map((volume) => ({ name: volume.name, mountPath: volume.path, readOnly })),
    volumeDevices: devices.map((volume) => ({ name: volume.name, devicePath: volume.path })),
    ...container,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      ...(node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [main],
      volumes: used.map((volume) => ({ name: volume.name, persistentVolumeClaim: { claimName: volume.claimName, readOnly } })),
      ...spec,
    },
  };
}

/** A VolumeSnapshot of a claim, of the class `loligo`. */
export function snapshot(name: string, ofClaim: string): object {
  return {
    apiVersion: `${SNAPSHOT_GROUP}/v1`,
    kind: 'VolumeSnapshot',
    metadata: { name },
    spec: { volumeSnapshotClassName: 'loligo', source: { persistentVolumeClaimName: ofClaim } },
  };
}

/** A VolumeGroupSnapshot of all claims with these labels. */
export function groupSnapshot(name: string, matchLabels: Readonly<Record<string, string>>): object {
  return {
    apiVersion: `group${SNAPSHOT_GROUP}/v1`,
    kind: 'VolumeGroupSnapshot',
    metadata: { name },
    spec: { volumeGroupSnapshotClassName: 'loligo', source: { selector: { matchLabels } } },
  };
}
