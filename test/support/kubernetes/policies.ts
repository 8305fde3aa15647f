/** A MirrorPolicy that is right; a test says what differs. */
export interface PolicyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly spec: Readonly<Record<string, unknown>>;
}

export function aPolicy(name: string, spec: Readonly<Record<string, unknown>> = {}): PolicyObject {
  return {
    apiVersion: 'loligo.dev/v1alpha1',
    kind: 'MirrorPolicy',
    metadata: { name },
    spec: {
      cluster: 'prod',
      sites: ['east', 'west'],
      primarySite: 'east',
      epoch: 1,
      volumes: { pools: ['rbd'], everything: true },
      ...spec,
    },
  };
}
