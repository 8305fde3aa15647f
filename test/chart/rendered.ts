/** What the chart renders, read as Kubernetes reads it. */
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { renderChart } from '../../scripts/helm.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, each looked at for a few fields
export type Manifest = any;

/** Files of `values/` by name; `default` is the chart's own values alone. */
export const VALUE_SETS = ['default', 'minimal', 'existing-secret', 'kubelet-dir', 'two-clusters', 'everything'] as const;
export type ValueSet = (typeof VALUE_SETS)[number];

const known = new Map<ValueSet, Promise<readonly Manifest[]>>();

export function valuesFile(set: ValueSet): readonly string[] {
  return set === 'default' ? [] : [join(import.meta.dirname, 'values', `${set}.yaml`)];
}

/** The objects of a value set; rendered once in a process. */
export function rendered(set: ValueSet): Promise<readonly Manifest[]> {
  const found = known.get(set) ?? renderChart(valuesFile(set)).then(readManifests);
  known.set(set, found);
  return found;
}

/** Strict: a key that stands twice, or anything else that YAML forbids, throws. YAML 1.1, as Kubernetes reads. */
export function readManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { version: '1.1', strict: true, uniqueKeys: true })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    })
    .filter((manifest) => manifest !== null);
}

export interface PodSpec {
  /** The component of Loligo that the pod is: controller, node, mapper and so on. */
  readonly component: string;
  readonly spec: Manifest;
}

export function podsOf(manifests: readonly Manifest[]): readonly PodSpec[] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'DaemonSet', 'Pod'].includes(kind))
    .map((manifest) => ({
      component: manifest.metadata.labels['app.kubernetes.io/component'],
      spec: manifest.kind === 'Pod' ? manifest.spec : manifest.spec.template.spec,
    }));
}

export function ofKind(manifests: readonly Manifest[], ...kinds: readonly string[]): readonly Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
}

/** The one object of that kind and name. */
export function getManifest(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name}`);
  return found[0];
}
