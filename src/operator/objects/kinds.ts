/** The objects of others that are looked at and built, as far as we look at them. */
import { type Kind, type KubeObject, keyOf } from '../runtime/index.ts';

const core = (kind: string, plural: string, namespaced: boolean): Kind => ({ group: '', version: 'v1', kind, plural, namespaced });
const snapshots = (kind: string, plural: string, namespaced: boolean): Kind => ({
  group: 'snapshot.storage.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
});

export const VOLUMES = core('PersistentVolume', 'persistentvolumes', false);
export const CLAIMS = core('PersistentVolumeClaim', 'persistentvolumeclaims', true);
export const NAMESPACES = core('Namespace', 'namespaces', false);
export const CLASSES: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
};
export const CONTENTS = snapshots('VolumeSnapshotContent', 'volumesnapshotcontents', false);
export const SNAPSHOTS = snapshots('VolumeSnapshot', 'volumesnapshots', true);

interface SecretRef {
  readonly name: string;
  readonly namespace: string;
}

export interface Volume extends KubeObject {
  readonly spec: {
    readonly capacity?: { readonly storage?: string };
    readonly accessModes?: readonly string[];
    readonly volumeMode?: string;
    readonly mountOptions?: readonly string[];
    readonly persistentVolumeReclaimPolicy?: string;
    readonly storageClassName?: string;
    readonly claimRef?: {
      readonly apiVersion?: string;
      readonly kind?: string;
      readonly namespace?: string;
      readonly name?: string;
      readonly uid?: string;
    };
    readonly csi?: {
      readonly driver: string;
      readonly volumeHandle: string;
      readonly fsType?: string;
      readonly volumeAttributes?: Readonly<Record<string, string>>;
      readonly controllerPublishSecretRef?: SecretRef;
      readonly nodeStageSecretRef?: SecretRef;
      readonly nodePublishSecretRef?: SecretRef;
      readonly controllerExpandSecretRef?: SecretRef;
      readonly nodeExpandSecretRef?: SecretRef;
    };
  };
  readonly status?: { readonly phase?: string };
}

export interface Claim extends KubeObject {
  readonly spec?: {
    readonly accessModes?: readonly string[];
    readonly volumeMode?: string;
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly resources?: { readonly requests?: { readonly storage?: string } };
  };
}

export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly mountOptions?: readonly string[];
}

export interface SnapshotContent extends KubeObject {
  readonly spec: {
    readonly driver: string;
    readonly deletionPolicy?: string;
    readonly sourceVolumeMode?: string;
    readonly source: { readonly snapshotHandle?: string; readonly volumeHandle?: string };
    readonly volumeSnapshotRef?: { readonly namespace?: string; readonly name?: string };
  };
  readonly status?: { readonly snapshotHandle?: string };
}

export interface Snapshot extends KubeObject {
  readonly spec: { readonly source: { readonly volumeSnapshotContentName?: string; readonly persistentVolumeClaimName?: string } };
  readonly status?: { readonly boundVolumeSnapshotContentName?: string };
}

/** The Kubernetes cluster that objects are built in, as it is now. */
export interface Here {
  volume(name: string): Volume | undefined;
  /** The one of our driver with this handle. */
  volumeOf(handle: string): Volume | undefined;
  claim(namespace: string, name: string): Claim | undefined;
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  storageClass(name: string): StorageClass | undefined;
  content(name: string): SnapshotContent | undefined;
  contentOf(handle: string): SnapshotContent | undefined;
  snapshot(namespace: string, name: string): Snapshot | undefined;
  /** Whether the cluster knows snapshots at all. */
  readonly hasSnapshots: boolean;
}

/** Objects of one kind: a reflector's copy, or a list that was read once. */
export interface Copy<T> {
  get(key: string): T | undefined;
  values(): readonly T[];
}

export interface Copies {
  readonly volumes: Copy<Volume>;
  readonly claims: Copy<Claim>;
  readonly namespaces: Copy<KubeObject>;
  readonly classes: Copy<StorageClass>;
  /** Undefined where the cluster has no such kinds. */
  readonly snapshots: { readonly contents: Copy<SnapshotContent>; readonly snapshots: Copy<Snapshot> } | undefined;
}

export function copyOf<T extends KubeObject>(objects: readonly T[]): Copy<T> {
  const byKey = new Map(objects.map((object) => [keyOf(object), object]));
  return { get: (key) => byKey.get(key), values: () => objects };
}

/** For one pass: handles are found by maps that are made when the first is asked for. */
export function hereOf(driver: string, { volumes, claims, namespaces, classes, snapshots }: Copies): Here {
  let volumesByHandle: ReadonlyMap<string, Volume> | undefined;
  let contentsByHandle: ReadonlyMap<string, SnapshotContent> | undefined;
  const contents = snapshots?.contents;
  return {
    volume: (name) => volumes.get(name),
    volumeOf: (handle) => {
      volumesByHandle ??= new Map(
        volumes.values().flatMap((one) => (one.spec.csi?.driver === driver ? [[one.spec.csi.volumeHandle, one]] : [])),
      );
      return volumesByHandle.get(handle);
    },
    claim: (namespace, name) => claims.get(`${namespace}/${name}`),
    namespaceLabels: (name) => {
      const namespace = namespaces.get(name);
      return namespace && (namespace.metadata.labels ?? {});
    },
    storageClass: (name) => classes.get(name),
    content: (name) => contents?.get(name),
    contentOf: (handle) => {
      contentsByHandle ??= new Map(
        (contents?.values() ?? []).flatMap((one) => (one.spec.driver === driver ? [[handleOf(one), one]] : [])),
      );
      return contentsByHandle.get(handle);
    },
    snapshot: (namespace, name) => snapshots?.snapshots.get(`${namespace}/${name}`),
    hasSnapshots: snapshots !== undefined,
  };
}

/** A content has its handle from the beginning, or since its snapshot was taken. */
export function handleOf({ spec, status }: SnapshotContent): string {
  return spec.source.snapshotHandle ?? status?.snapshotHandle ?? '';
}
