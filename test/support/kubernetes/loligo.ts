/**
 * Loligo on the test bed, installed as a user does: pool and users in Ceph, the chart by helm, the image of `make image`.
 * `await Loligo.install(sharedKube())` gives the one of the run; what is there as wanted is left as it is. Volumes go to the
 * classes below; the witness is `loligo.pool`.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RUN, TestPool } from '../micro-ceph.ts';
import { leftoversIn } from '../place-leftovers.ts';
import { explain } from './explain.ts';
import type { SIDECARS } from './images.ts';
import type { Kube, KubeObject } from './kube.ts';
import { imageName } from './places.ts';
import { installSnapshotController } from './snapshot-controller.ts';
import type { TestNamespace } from './test-namespace.ts';

export const DRIVER = 'rbd.csi.loligo.dev';
const CHART = resolve(import.meta.dirname, '../../../charts/loligo');
const ARCHIVE = join(RUN, 'image/loligo.tar');
const RELEASE = 'loligo';
const NAMESPACE = 'loligo';
const POOL = 'loligo';
const CLUSTER = 'prod';
/** What the pods run; a change of it replaces them at the next install. */
const IMAGE_MARK = 'loligo.test/image';

/** Values of the chart. */
export type Values = Readonly<Record<string, unknown>>;

export const SIDECAR_IMAGES = {
  provisioner: 'csi-provisioner',
  attacher: 'csi-attacher',
  resizer: 'csi-resizer',
  snapshotter: 'csi-snapshotter',
  snapshotMetadata: 'csi-snapshot-metadata',
  registrar: 'csi-node-driver-registrar',
  livenessprobe: 'livenessprobe',
} as const satisfies Readonly<Record<string, (typeof SIDECARS)[number]>>;

/** The chart's own snapshot controller, for a bed whose own is put aside. */
export const OWN_SNAPSHOT_CONTROLLER = { enabled: true, image: splitName(imageName('snapshot-controller')) };

const CLASSES = {
  storageClasses: [
    { name: 'loligo', parameters: { cluster: CLUSTER, pool: POOL } },
    { name: 'loligo-xfs', fsType: 'xfs', parameters: { cluster: CLUSTER, pool: POOL } },
    { name: 'loligo-wait', volumeBindingMode: 'WaitForFirstConsumer', parameters: { cluster: CLUSTER, pool: POOL } },
  ],
  volumeSnapshotClasses: [{ name: 'loligo' }],
  volumeGroupSnapshotClasses: [{ name: 'loligo' }],
  volumeAttributesClasses: [
    { name: 'slow', parameters: { rbd_qos_iops_limit: 500 } },
    { name: 'slower', parameters: { rbd_qos_iops_limit: 50 } },
    { name: 'kept', parameters: { deleteRetention: '1h' } },
  ],
};

export class Loligo {
  readonly kube: Kube;
  /** Where the volumes of all classes lie. */
  readonly pool: TestPool;
  /** The driver's own namespace. */
  readonly namespace = NAMESPACE;

  private constructor(kube: Kube) {
    this.kube = kube;
    this.pool = new TestPool(kube.ceph, POOL);
  }

  /** `values` take the place of the bed's own, key by key of the highest level. */
  static async install(kube: Kube, values: Values = {}): Promise<Loligo> {
    kube.explainAlso(NAMESPACE);
    const loligo = new Loligo(kube);
    const mark = await digestOf(ARCHIVE);
    await Promise.all([loligo.#ensureImage(mark), loligo.#ensurePool(), installSnapshotController(kube)]);
    await loligo.upgrade({ ...(await loligo.defaults()), ...values });
    return loligo;
  }

  /** The steps of docs/install.md, until no pod is left. */
  static async uninstall(kube: Kube): Promise<void> {
    await kube.helm('uninstall', RELEASE, '--namespace', NAMESPACE, '--wait', '--ignore-not-found');
    await kube.kubectl('-n', NAMESPACE, 'delete', 'daemonset,serviceaccount', '-l', 'app.kubernetes.io/component=mapper');
    const gone = async (): Promise<boolean> => (await kube.kubectl('get', 'pods', '-n', NAMESPACE, '--output=name')) === '';
    await kube.until(gone, { what: 'no pod of Loligo is left', timeout: 120_000 });
  }

  /** What the bed gives the chart, for tests that change some of it: `upgrade({ ...(await loligo.defaults()), … })`. */
  async defaults(): Promise<Values> {
    const podAnnotations = { [IMAGE_MARK]: await digestOf(ARCHIVE) };
    const images = Object.entries(SIDECAR_IMAGES).map(([sidecar, name]) => [sidecar, { image: splitName(imageName(name)) }]);
    return {
      ...CLASSES,
      image: splitName(`localhost/loligo:${appVersion()}`),
      clusters: { [CLUSTER]: await this.connection() },
      driver: { reapInterval: 5 },
      controller: { podAnnotations },
      node: { podAnnotations },
      mapper: { podAnnotations },
      sidecars: Object.fromEntries(images),
      snapshots: { groups: true },
      test: { storageClass: 'loligo', size: '64Mi' },
    };
  }

  /** `helm upgrade --install`, until all pods are ready and both nodes know the driver. */
  async upgrade(values: Values, ...flags: readonly string[]): Promise<void> {
    const file = join(this.kube.dir, 'loligo-values.json');
    writeFileSync(file, JSON.stringify(values), { mode: 0o600 }); // keys are in it
    const args = ['upgrade', '--install', RELEASE, CHART, '--namespace', NAMESPACE, '--values', file, ...flags];
    try {
      await this.kube.helm(...args, '--wait', '--timeout', '3m');
    } catch (error) {
      throw new Error(`${String(error)}\n${await explain(this.kube, [NAMESPACE])}`, { cause: error });
    }
    await this.untilReady();
  }

  /** Helm waits for no DaemonSet that is updated `OnDelete`, and for nothing that kubelet learns of it. */
  async untilReady(): Promise<void> {
    await this.kube.until(() => this.#allReady(), { what: 'all pods of Loligo are ready', timeout: 120_000 });
    for (const { name } of this.kube.nodes) {
      const known = async (): Promise<boolean> =>
        (await this.kube.kubectl('get', 'csinode', name, '--output', 'yaml')).includes(DRIVER);
      await this.kube.until(known, { what: `kubelet of ${name} knows the driver` });
    }
  }

  /** Names of the driver's pods: `pods('controller')`, `pods('node')`, `pods('mapper')`. */
  async pods(component: string): Promise<readonly string[]> {
    const selector = `app.kubernetes.io/component=${component}`;
    const path = 'jsonpath={.items[*].metadata.name}';
    const names = await this.kube.kubectl('get', 'pods', '--namespace', NAMESPACE, '--selector', selector, '--output', path);
    return names.split(' ').filter((name) => name !== '');
  }

  /** The image of a bound claim, as `rbd` takes it with the pool as the default one. */
  async imageOf(namespace: TestNamespace, claim: string): Promise<string> {
    const volume = await namespace.field(`pvc/${claim}`, '{.spec.volumeName}');
    const path = 'jsonpath={.spec.csi.volumeHandle}';
    const handle = await this.kube.kubectl('get', 'pv', volume, '--output', path);
    const [cluster, pool, image = ''] = handle.split('/');
    assert.deepEqual([cluster, pool], [CLUSTER, POOL], handle);
    return image;
  }

  /** What `rbd image-meta` has for an image under a key. */
  async metadataOf(image: string, key: string): Promise<string | undefined> {
    const all = (await this.pool.rbdJson('image-meta', 'list', image)) as Readonly<Record<string, string>>; // the shape of that list
    return all[key];
  }

  /** An administrator's command in a controller's pod: `command('volume', 'adopt', handle)`. */
  async command(...args: readonly string[]): Promise<string> {
    const [pod = ''] = await this.pods('controller');
    const program = ['node', '/usr/lib/loligo/bin/loligo.js', ...args, '--clusters=/etc/loligo/clusters.json'];
    return this.kube.kubectl('exec', '--namespace', NAMESPACE, pod, '--container', 'driver', '--', ...program);
  }

  /** Until no client has the image open: some time after its pod is gone. */
  async untilUnused(image: string): Promise<void> {
    const unused = async (): Promise<boolean> => {
      const { watchers } = (await this.pool.rbdJson('status', image)) as { watchers: readonly unknown[] }; // the shape of `rbd status`
      return watchers.length === 0;
    };
    await this.kube.until(unused, { what: `nobody has ${image} open` });
  }

  /** Until the pool has nothing of any volume, neither image nor trash nor a key that names one, and Kubernetes no PersistentVolume. */
  async untilEmpty(): Promise<void> {
    let left: readonly string[] = [];
    const empty = async (): Promise<boolean> => {
      const volumes = (await this.kube.list('pv')).map(({ metadata }) => `pv/${metadata.name}`);
      left = [...(await leftoversIn(this.pool)), ...volumes];
      return left.length === 0;
    };
    await this.kube.until(empty, { what: 'the pool is empty', timeout: 90_000, interval: 500 }).catch((error: unknown) => {
      throw new Error(`left behind: ${left.join(', ')}\n${String(error)}`, { cause: error });
    });
  }

  async #allReady(): Promise<boolean> {
    const pods = await this.kube.list<Pod>('pods', NAMESPACE);
    const lasting = pods.filter(({ metadata }) => metadata['deletionTimestamp'] === undefined);
    const wanted = 2 + 2 * this.kube.nodes.length; // the controller's replicas; node and mapper on each node
    const ready = ({ status }: Pod): boolean =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
    return lasting.length >= wanted && pods.length === lasting.length && lasting.every(ready);
  }

  /** The namespace, marked with the image that the nodes were given. */
  async #ensureImage(mark: string): Promise<void> {
    const metadata = { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata };
    await this.kube.apply(namespace, '--server-side');
    const present = await this.kube.get('namespace', NAMESPACE);
    const annotations = present.metadata['annotations'] as Readonly<Record<string, string>> | undefined; // as every object's
    if (annotations?.[IMAGE_MARK] === mark) return;
    await this.kube.importImage(ARCHIVE);
    await this.kube.kubectl('annotate', '--overwrite', 'namespace', NAMESPACE, `${IMAGE_MARK}=${mark}`);
  }

  async #ensurePool(): Promise<void> {
    const { ceph } = this.kube;
    if (!(await ceph.ceph('osd', 'pool', 'ls')).split('\n').includes(POOL)) await ceph.freshPool(POOL);
  }

  /** The least capabilities, as docs/install.md tells an administrator. */
  async connection(): Promise<Connection> {
    const { ceph } = this.kube;
    const caps = { mon: 'profile rbd', osd: `profile rbd pool=${POOL}` };
    const [key, nodeKey] = [await ceph.createUser('loligo', caps), await ceph.createUser('loligo-node', caps)];
    return { site: 'east', monitors: ceph.monitors, user: 'loligo', key, nodeUser: 'loligo-node', nodeKey };
  }
}

/** A cluster as the chart's values have it. */
export interface Connection {
  readonly site: string;
  readonly monitors: readonly string[];
  readonly user: string;
  readonly key: string;
  readonly nodeUser: string;
  readonly nodeKey: string;
}

interface Pod extends KubeObject {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function digestOf(archive: string): Promise<string> {
  if (!existsSync(archive)) throw new Error('there is no image to install: run `make image` first');
  const hash = createHash('sha256');
  await pipeline(createReadStream(archive), hash);
  return hash.digest('hex').slice(0, 16);
}

function splitName(name: string): { readonly repository: string; readonly tag: string } {
  const at = name.lastIndexOf(':');
  return { repository: name.slice(0, at), tag: name.slice(at + 1) };
}

function appVersion(): string {
  const [, version = ''] = /^appVersion: (\S+)$/m.exec(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) ?? [];
  return version;
}
