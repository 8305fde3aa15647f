/** What the tests of the operator's runtime work on: a real API server, and config maps as objects. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../../src/lib/scope.ts';
import type { Kind, KubeObject } from '../../src/operator/runtime/index.ts';
import { KubeApi, Reflector, Transport } from '../../src/operator/runtime/index.ts';
import { until } from '../support/kubernetes/waiting.ts';

export const CONFIG_MAPS: Kind = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A log that remembers. */
export class Notes implements Log {
  readonly lines: { readonly level: string; readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[] = [];
  readonly debug = this.#at('debug');
  readonly info = this.#at('info');
  readonly warn = this.#at('warn');
  readonly error = this.#at('error');

  #at(level: string): (fields: object, message: string) => void {
    return (fields, message) => void this.lines.push({ level, fields: { ...fields }, message });
  }
}

export function apiBy(kubeconfig: string): KubeApi & Disposable {
  const transport = Transport.byFile(kubeconfig);
  return Object.assign(new KubeApi(transport), { [Symbol.dispose]: () => transport.end() });
}

export function configMap(name: string, value: string, labels: Readonly<Record<string, string>> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data: { value } };
}

/** Objects that this test alone sees, by a label. */
export function ownLabel(): { readonly label: Readonly<Record<string, string>>; readonly selector: string } {
  const id = randomBytes(4).toString('hex');
  return { label: { of: id }, selector: `of=${id}` };
}

/** A running copy of the config maps that a selector selects. */
export class Copy implements AsyncDisposable {
  readonly changes: string[] = [];
  readonly notes = new Notes();
  readonly reflector: Reflector<ConfigMap>;

  constructor(api: KubeApi, labelSelector: string) {
    const changed = (key: string): void => void this.changes.push(key);
    this.reflector = new Reflector<ConfigMap>({ api, kind: CONFIG_MAPS, labelSelector, changed, log: this.notes });
    this.reflector.start();
  }

  value(name: string): string | undefined {
    return this.reflector.get(`default/${name}`)?.data?.['value'];
  }

  async untilIs(name: string, value: string | undefined, timeout = 30_000): Promise<void> {
    await until(() => this.value(name) === value, { what: `the copy has ${name} as ${value}`, timeout, interval: 20 });
  }

  statuses(): unknown[] {
    return this.notes.lines.map(({ fields }) => Reflect.get(Object(fields['err']), 'status'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reflector.stop();
  }
}
