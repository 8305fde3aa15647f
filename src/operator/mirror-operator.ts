/** The operator of mirroring, put together: copies of what is looked at, and the loop around the reconciler. */
import type { Log } from '#lib/scope';
import type { Metrics } from '#observability';
import { type ClusterObjects, MirrorReconciler, type Sites } from './mirror/index.ts';
import type { VolumeSeen } from './mirror/observation.ts';
import {
  CLAIMS,
  CLASSES,
  type Claim,
  CONTENTS,
  hereOf,
  NAMESPACES,
  RECLAIM_POLICY,
  SNAPSHOTS,
  type Snapshot,
  type SnapshotContent,
  type StorageClass,
  servesSnapshots,
  VOLUMES,
  type Volume,
} from './objects/index.ts';
import { MIRROR_POLICIES, MIRROR_VOLUMES, type MirrorPolicy, type MirrorVolume } from './resources/index.ts';
import { Controller, EventRecorder, type Kind, type KubeApi, type KubeObject, Reflector } from './runtime/index.ts';

export interface MirrorOperatorSettings {
  readonly api: KubeApi;
  readonly sites: Sites;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'operatorPassSeconds' | 'mirrorVolumes' | 'mirrorLag' | 'mirrorLoss' | 'mirrorEpoch'>;
  /** The CSI driver whose volumes are meant. */
  readonly driver: string;
  /** The host, for Events. */
  readonly host: string;
}

/** Policies that are worked on at once. */
const WORKERS = 4;
export const FINALIZER = 'loligo.dev/mirroring';

export class MirrorOperator {
  readonly #policies: Reflector<MirrorPolicy>;
  readonly #api: KubeApi;
  readonly #log: Log;
  readonly #copies: readonly Reflector<KubeObject>[];
  readonly #snapshotCopies: readonly Reflector<KubeObject>[];
  #hasSnapshots = false;
  readonly #controller: Controller<MirrorPolicy>;

  constructor(settings: MirrorOperatorSettings) {
    const { api, log, metrics } = settings;
    const copyOf = <T extends KubeObject>(kind: Kind, keep?: (object: T) => T): Reflector<T> =>
      new Reflector<T>({ api, kind, log, changed: () => undefined, ...(keep === undefined ? {} : { keep }) });
    const mirrored = copyOf<MirrorVolume>(MIRROR_VOLUMES);
    const volumes = copyOf<Volume>(VOLUMES, withoutSecrets);
    const [claims, namespaces] = [copyOf<Claim>(CLAIMS, onlyBinding), copyOf<KubeObject>(NAMESPACES, onlyLabels)];
    const [contents, snapshots] = [copyOf<SnapshotContent>(CONTENTS), copyOf<Snapshot>(SNAPSHOTS)];
    const classes = copyOf<StorageClass>(CLASSES);
    const objects: ClusterObjects = {
      driver: settings.driver,
      volumes: () => volumes.values(),
      claimLabels: (namespace, name) => labelsOf(claims.get(`${namespace}/${name}`)),
      namespaceLabels: (name) => labelsOf(namespaces.get(name)),
      storageClass: (name) => classes.get(name),
    };
    // What has copies of different kinds is only started and stopped here.
    this.#copies = [mirrored, volumes, claims, namespaces, classes] as unknown as readonly Reflector<KubeObject>[];
    this.#snapshotCopies = [contents, snapshots] as unknown as readonly Reflector<KubeObject>[];
    this.#api = api;
    this.#log = log;
    this.#policies = new Reflector<MirrorPolicy>({
      api,
      kind: MIRROR_POLICIES,
      log,
      changed: (key) => this.#controller.changed(key),
    });
    this.#controller = new Controller<MirrorPolicy>({
      api,
      kind: MIRROR_POLICIES,
      objects: this.#policies,
      reconciler: new MirrorReconciler({
        sites: settings.sites,
        objects,
        volumes: { api, values: () => mirrored.values() },
        keep: {
          api,
          sites: settings.sites,
          driver: settings.driver,
          cluster: () => namespaces.get('kube-system')?.metadata.uid,
          here: () =>
            hereOf(settings.driver, {
              volumes,
              claims,
              namespaces,
              classes,
              snapshots: this.#hasSnapshots ? { contents, snapshots } : undefined,
            }),
        },
        log,
        seen: (policy, found, epoch) => count(metrics, { policy, found, epoch }),
      }),
      finalizer: FINALIZER,
      events: new EventRecorder(api, { component: 'loligo-operator', host: settings.host }, log),
      log,
      workers: WORKERS,
      passed: (ending, seconds) => metrics.operatorPassSeconds.observe({ kind: MIRROR_POLICIES.kind, ending }, seconds),
    });
  }

  /** Selection is known before anything is decided by it: a copy that is not whole yet would select too little. */
  async start(): Promise<void> {
    this.#hasSnapshots = await servesSnapshots(this.#api, this.#log);
    const copies = [...this.#copies, ...(this.#hasSnapshots ? this.#snapshotCopies : [])];
    for (const copy of copies) copy.start();
    await Promise.all(copies.map((copy) => copy.synced));
    this.#policies.start();
    this.#controller.start();
  }

  async stop(): Promise<void> {
    await this.#controller.stop();
    await Promise.all([this.#policies, ...this.#copies, ...this.#snapshotCopies].map((copy) => copy.stop()));
  }
}

function labelsOf(object: KubeObject | undefined): Readonly<Record<string, string>> | undefined {
  return object && (object.metadata.labels ?? {});
}

function onlyLabels({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  const place = namespace === undefined ? {} : { namespace };
  return {
    apiVersion,
    kind,
    metadata: { name, ...place, uid: uid ?? '', resourceVersion: resourceVersion ?? '', labels: labels ?? {} },
  };
}

/** What a claim's volume is, and no more of what the claim asks for. */
function onlyBinding(claim: Claim): Claim {
  const { volumeName } = claim.spec ?? {};
  return { ...onlyLabels(claim), ...(volumeName === undefined ? {} : { spec: { volumeName } }) };
}

/** What selection and facts are made of. */
function withoutSecrets(volume: Volume): Volume {
  const { csi, claimRef, storageClassName, accessModes, volumeMode, persistentVolumeReclaimPolicy } = volume.spec;
  const reclaim = volume.metadata.annotations?.[RECLAIM_POLICY];
  const { metadata, ...head } = onlyLabels(volume);
  return {
    ...head,
    metadata: { ...metadata, ...(reclaim === undefined ? {} : { annotations: { [RECLAIM_POLICY]: reclaim } }) },
    spec: {
      ...(csi === undefined ? {} : { csi: { driver: csi.driver, volumeHandle: csi.volumeHandle, fsType: csi.fsType ?? '' } }),
      ...(claimRef === undefined ? {} : { claimRef }),
      ...(storageClassName === undefined ? {} : { storageClassName }),
      ...(accessModes === undefined ? {} : { accessModes }),
      ...(volumeMode === undefined ? {} : { volumeMode }),
      ...(persistentVolumeReclaimPolicy === undefined ? {} : { persistentVolumeReclaimPolicy }),
    },
    ...(volume.status?.phase === undefined ? {} : { status: { phase: volume.status.phase } }),
  };
}

const STATES = ['replicating', 'syncing', 'failed', 'split-brain', 'unprotected'] as const;

function count(
  metrics: MirrorOperatorSettings['metrics'],
  { policy, found, epoch }: { policy: string; found: readonly VolumeSeen[]; epoch: number },
): void {
  for (const state of STATES) {
    metrics.mirrorVolumes.set({ policy, state }, found.filter(({ comparison }) => comparison.state === state).length);
  }
  const worst = (figures: readonly (number | undefined)[]): number =>
    // What nobody can tell must not look like nothing.
    figures.some((figure) => figure === undefined) ? Number.NaN : Math.max(0, ...figures.map((figure) => figure ?? 0));
  metrics.mirrorLag.set({ policy }, worst(found.map(({ comparison }) => comparison.lag)));
  metrics.mirrorLoss.set({ policy }, worst(found.map(({ comparison }) => comparison.lossIfForced)));
  metrics.mirrorEpoch.set({ policy }, epoch);
}
