/** What every Kubernetes object has, and how kinds are addressed. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind as the API serves it. */
export interface Kind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Which object: its namespace is '' where the kind has none. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export function apiVersionOf({ group, version }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The path of all objects of a kind, or of those in one namespace. */
export function collectionPath(kind: Kind, namespace = ''): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return `${root}${namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${kind.plural}`;
}

export function objectPath(kind: Kind, { namespace, name }: ObjectName, subresource = ''): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}${subresource === '' ? '' : `/${subresource}`}`;
}

/** The key of an object in queues and caches: `namespace/name`, or the name alone. */
export function keyOf({ metadata: { namespace = '', name } }: { readonly metadata: ObjectMeta }): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

export function nameOf({ metadata: { namespace = '', name } }: { readonly metadata: ObjectMeta }): ObjectName {
  return { namespace, name };
}
