/** A Kubernetes namespace that a test has for itself. */
import { randomBytes } from 'node:crypto';
import type { Kube, KubeObject, Manifest } from './kube.ts';
import { snapshot } from './objects.ts';
import { type Patience, until } from './waiting.ts';

const MESSAGES = 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}';

export class TestNamespace implements AsyncDisposable {
  readonly kube: Kube;
  readonly name: string;

  private constructor(kube: Kube, name: string) {
    this.kube = kube;
    this.name = name;
  }

  static async create(kube: Kube, labels: Readonly<Record<string, string>>): Promise<TestNamespace> {
    const namespace = new TestNamespace(kube, `test-${randomBytes(3).toString('hex')}`);
    await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace.name, labels } });
    // A pod that comes before its service account is refused.
    await until(() => namespace.get('serviceaccount', 'default'), { what: `service account of ${namespace.name}` });
    return namespace;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.kube.kubectl('--namespace', this.name, ...args);
  }

  apply(manifest: Manifest): Promise<void> {
    return this.kube.apply(manifest, '--namespace', this.name);
  }

  /** Applies objects, and waits until the pods among them are ready: what most stories begin with. */
  async start(...objects: readonly object[]): Promise<void> {
    await this.apply(objects);
    const pods = (objects as readonly KubeObject[]).filter(({ kind }) => kind === 'Pod'); // what every object has
    for (const { metadata } of pods) await this.untilReady(metadata.name);
  }

  /** Takes a VolumeSnapshot of a claim, and waits until it can be used. */
  async takeSnapshot(name: string, ofClaim: string): Promise<void> {
    await this.apply(snapshot(name, ofClaim));
    await this.untilUsable(`volumesnapshot/${name}`);
  }

  /** Waits until a snapshot, or one of a group, can be restored. */
  async untilUsable(object: string): Promise<void> {
    const usable = async (): Promise<boolean> => (await this.field(object, '{.status.readyToUse}')) === 'true';
    await this.until(usable, { what: `${object} is ready to use` });
  }

  get<T = KubeObject>(kind: string, name: string): Promise<T> {
    return this.kube.get<T>(kind, name, this.name);
  }

  list<T = KubeObject>(kind: string): Promise<readonly T[]> {
    return this.kube.list<T>(kind, this.name);
  }

  /** One value of an object by its path: `field('pod/writer', '{.status.podIP}')`; '' when there is none. */
  field(object: string, path: string): Promise<string> {
    return this.kubectl('get', object, '--output', `jsonpath=${path}`);
  }

  /** What a program in a pod's first container says: `exec('writer', 'cat', '/data/file')`. */
  exec(pod: string, ...command: readonly string[]): Promise<string> {
    return this.kubectl('exec', pod, '--', ...command);
  }

  until<T>(look: () => T | Promise<T>, patience: Patience): Promise<Exclude<T, false | undefined>> {
    return this.kube.until(look, { ...patience, namespaces: [this.name] });
  }

  /** Waits until a pod runs and its containers are ready. */
  async untilReady(pod: string, timeout = 120_000): Promise<void> {
    const ready = '{.status.conditions[?(@.type=="Ready")].status}';
    await this.until(async () => (await this.field(`pod/${pod}`, ready)) === 'True', { what: `pod/${pod} is Ready`, timeout });
  }

  /** Waits until a claim has its volume. */
  async untilBound(claim: string, timeout = 60_000): Promise<void> {
    const bound = async (): Promise<boolean> => (await this.field(`pvc/${claim}`, '{.status.phase}')) === 'Bound';
    await this.until(bound, { what: `pvc/${claim} is Bound`, timeout });
  }

  /** Waits for an Event of an object (`pvc/data`) whose message matches, and gives that message. */
  untilEvent(object: string, pattern: RegExp): Promise<string> {
    const [, name = ''] = object.split('/');
    const look = async (): Promise<string | undefined> => {
      const messages = await this.kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '--output', MESSAGES);
      return messages.split('\n').find((message) => pattern.test(message));
    };
    return this.until(look, { what: `an Event of ${object} says ${pattern}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kube.kubectl('delete', 'namespace', this.name, '--wait=false', '--ignore-not-found');
    // Finalizers of volumes and snapshots may hold it for a while, and then one wants to know which.
    const gone = async (): Promise<boolean> =>
      (await this.kube.kubectl('get', 'namespace', this.name, '--ignore-not-found', '--output', 'name')) === '';
    await this.until(gone, { what: `namespace ${this.name} is gone`, timeout: 120_000 });
  }
}
