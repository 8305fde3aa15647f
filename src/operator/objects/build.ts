/** Facts into objects, by our own template. What the objects need beyond the facts comes from the class of the cluster they are built in. */
import { apiVersionOf, type Kind } from '../runtime/index.ts';
import { type Facts, RECLAIM_POLICY } from './facts.ts';
import {
  CLAIMS,
  type Claim,
  CONTENTS,
  SNAPSHOTS,
  type Snapshot,
  type SnapshotContent,
  type StorageClass,
  VOLUMES,
  type Volume,
} from './kinds.ts';

/** What is built, with names as they are to be here. */
export interface Wanted {
  readonly driver: string;
  readonly handle: string;
  /** Bytes. */
  readonly size: bigint;
  readonly encrypted: boolean;
  readonly facts: Facts;
  /** Of the claim that is there already; a volume that names it otherwise would not be its. */
  readonly claimUid: string | undefined;
  readonly storageClass: StorageClass | undefined;
}

/** Who made it: people look at labels. */
const OURS = { 'app.kubernetes.io/managed-by': 'loligo' };
const PREFIX = 'csi.storage.k8s.io/';
/** The one thing that a class may have filled in. */
const CLAIM_NAMESPACE = /\$\{pvc\.namespace\}/g;

const SECRETS = {
  controllerPublishSecretRef: 'controller-publish-secret',
  nodeStageSecretRef: 'node-stage-secret',
  nodePublishSecretRef: 'node-publish-secret',
  controllerExpandSecretRef: 'controller-expand-secret',
  nodeExpandSecretRef: 'node-expand-secret',
} as const;

/** Parameters of a class that the node is told. */
const TOLD = ['mapper', 'mapOptions', 'mkfsOptions'] as const;

interface SecretRef {
  readonly name: string;
  readonly namespace: string;
}

/** As the provisioner writes it, and Retain: what was built of an image does not take it along when it goes. */
export function buildVolume(wanted: Wanted): Volume {
  const { driver, handle, facts, claimUid, storageClass } = wanted;
  const { namespace, name } = facts.claim;
  const deletion = secretOf(storageClass, 'provisioner-secret', namespace);
  const mountOptions = storageClass?.mountOptions ?? [];
  return {
    ...head(VOLUMES),
    metadata: {
      name: facts.volume,
      labels: OURS,
      annotations: {
        'pv.kubernetes.io/provisioned-by': driver,
        [RECLAIM_POLICY]: facts.reclaim,
        ...(deletion === undefined
          ? {}
          : {
              'volume.kubernetes.io/provisioner-deletion-secret-name': deletion.name,
              'volume.kubernetes.io/provisioner-deletion-secret-namespace': deletion.namespace,
            }),
      },
    },
    spec: {
      ...shape(wanted),
      capacity: { storage: String(wanted.size) },
      ...(mountOptions.length === 0 || facts.block ? {} : { mountOptions }),
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: facts.class,
      claimRef: { apiVersion: 'v1', kind: CLAIMS.kind, namespace, name, ...(claimUid === undefined ? {} : { uid: claimUid }) },
      csi: {
        driver,
        volumeHandle: handle,
        ...(facts.fs === '' ? {} : { fsType: facts.fs }),
        ...attributes(wanted),
        ...secretRefs(storageClass, namespace),
      },
    },
  };
}

export function buildClaim(wanted: Wanted, volume: string): Claim {
  const { namespace, name, labels } = wanted.facts.claim;
  return {
    ...head(CLAIMS),
    metadata: { name, namespace, labels: { ...OURS, ...labels } },
    spec: {
      ...shape(wanted),
      resources: { requests: { storage: String(wanted.size) } },
      storageClassName: wanted.facts.class,
      volumeName: volume,
    },
  };
}

export interface WantedSnapshot {
  readonly driver: string;
  readonly handle: string;
  readonly block: boolean;
  readonly content: string;
  readonly namespace: string;
  readonly name: string;
}

export function buildContent({ driver, handle, block, content, namespace, name }: WantedSnapshot): SnapshotContent {
  return {
    ...head(CONTENTS),
    metadata: { name: content, labels: OURS },
    spec: {
      driver,
      deletionPolicy: 'Retain',
      source: { snapshotHandle: handle },
      sourceVolumeMode: block ? 'Block' : 'Filesystem',
      volumeSnapshotRef: { namespace, name },
    },
  };
}

export function buildSnapshot({ namespace, name }: WantedSnapshot, content: string): Snapshot {
  return {
    ...head(SNAPSHOTS),
    metadata: { name, namespace, labels: OURS },
    spec: { source: { volumeSnapshotContentName: content } },
  };
}

function head(kind: Kind): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function shape({ facts }: Wanted): { accessModes: readonly string[]; volumeMode: string } {
  return { accessModes: facts.modes, volumeMode: facts.block ? 'Block' : 'Filesystem' };
}

function attributes({ encrypted, storageClass }: Wanted): { volumeAttributes?: Readonly<Record<string, string>> } {
  const parameters = storageClass?.parameters ?? {};
  const told = TOLD.flatMap((name) => (parameters[name] === undefined ? [] : [[name, parameters[name]]]));
  const all = Object.fromEntries([...told, ...(encrypted ? [['encrypted', 'true']] : [])]);
  return Object.keys(all).length === 0 ? {} : { volumeAttributes: all };
}

function secretRefs(storageClass: StorageClass | undefined, namespace: string): Readonly<Record<string, SecretRef>> {
  const refs = Object.entries(SECRETS).flatMap(([field, key]) => {
    const ref = secretOf(storageClass, key, namespace);
    return ref === undefined ? [] : [[field, ref] as const];
  });
  return Object.fromEntries(refs);
}

/** The Secret that a class names; of what it may put in, the claim's namespace alone, which was allowed. */
function secretOf(storageClass: StorageClass | undefined, key: string, namespace: string): SecretRef | undefined {
  const [name, place] = ['name', 'namespace'].map((part) => storageClass?.parameters?.[`${PREFIX}${key}-${part}`]);
  if (name === undefined || place === undefined) return undefined;
  const filled = (text: string): string => text.replaceAll(CLAIM_NAMESPACE, namespace);
  return { name: filled(name), namespace: filled(place) };
}

/** A parameter of a class that names Secrets by what only an image says: its own name, the claim's, an annotation. */
export function unfillable({ parameters = {} }: StorageClass): string | undefined {
  const secrets = Object.entries(parameters).filter(([key]) => key.startsWith(PREFIX) && /-secret-(name|namespace)$/.test(key));
  return secrets.find(([, text]) => text.replaceAll(CLAIM_NAMESPACE, '').includes('$'))?.[0];
}
