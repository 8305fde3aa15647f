/** Which images a policy selects, by the claims they serve. Pure. */
import { formatPlace, type ImageRef, parseVolume } from '#lib/handle';
import type { MirrorPolicySpec } from '../resources/index.ts';
import type { KubeObject } from '../runtime/index.ts';

export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly csi?: { readonly driver: string; readonly volumeHandle: string };
    readonly claimRef?: { readonly namespace?: string; readonly name?: string };
    readonly storageClassName?: string;
  };
}

export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** What selection looks at in the Kubernetes of this site. */
export interface ClusterObjects {
  readonly driver: string;
  volumes(): readonly PersistentVolume[];
  claimLabels(namespace: string, name: string): Readonly<Record<string, string>> | undefined;
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  storageClass(name: string): StorageClass | undefined;
}

export interface Selected {
  readonly ref: ImageRef;
  /** `namespace/name`, '' for none. */
  readonly claim: string;
}

/** The images of the policy's cluster and pools that serve claims which it selects. */
export function selectByClaims(policy: { name: string; spec: MirrorPolicySpec }, objects: ClusterObjects): readonly Selected[] {
  const pools = new Set(policy.spec.volumes.pools);
  return objects.volumes().flatMap((volume) => {
    const handle = volume.spec.csi?.driver === objects.driver ? parseVolume(volume.spec.csi.volumeHandle) : undefined;
    if (handle === undefined || handle.cluster !== policy.spec.cluster || !pools.has(formatPlace(handle))) return [];
    if (!isSelected(policy, volume, objects)) return [];
    const { namespace = '', name = '' } = volume.spec.claimRef ?? {};
    const { pool, namespace: space, image } = handle;
    return [{ ref: { pool, namespace: space, image }, claim: name === '' ? '' : `${namespace}/${name}` }];
  });
}

function isSelected(
  { name, spec }: { name: string; spec: MirrorPolicySpec },
  volume: PersistentVolume,
  objects: ClusterObjects,
): boolean {
  const { everything, namespaces, claims } = spec.volumes;
  if (everything === true) return true;
  const { storageClassName = '', claimRef } = volume.spec;
  if (objects.storageClass(storageClassName)?.parameters?.['mirrorPolicy'] === name) return true;
  if (namespaces === undefined && claims === undefined) return false;
  const claim = objects.claimLabels(claimRef?.namespace ?? '', claimRef?.name ?? '');
  const namespace = objects.namespaceLabels(claimRef?.namespace ?? '');
  if (claim === undefined || namespace === undefined) return false;
  return (namespaces === undefined || matches(namespaces, namespace)) && (claims === undefined || matches(claims, claim));
}

export type LabelSelector = NonNullable<MirrorPolicySpec['volumes']['claims']>;

export function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => holds(requirement, labels))
  );
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function holds({ key, operator, values = [] }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
