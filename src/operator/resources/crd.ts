/** The CustomResourceDefinitions of our kinds, made from their descriptions; scripts/generate-crds.ts writes them out. */
import type { Kind } from '../runtime/index.ts';
import { MIRROR_POLICY } from './mirror-policy.ts';
import { MIRROR_VOLUME } from './mirror-volume.ts';
import { type Form, toOpenApi } from './schema.ts';

interface Description {
  readonly kind: Kind;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly doc: string;
  readonly spec: Form;
  readonly status: Form;
  readonly columns: readonly object[];
}

const DESCRIPTIONS: readonly Description[] = [MIRROR_POLICY, MIRROR_VOLUME];

/** In the order in which they are to be made, by the name of the definition. */
export function customResourceDefinitions(): ReadonlyMap<string, object> {
  return new Map(
    DESCRIPTIONS.map((description) => [`${description.kind.plural}.${description.kind.group}`, definition(description)]),
  );
}

function definition({ kind, singular, shortNames, doc, spec, status, columns }: Description): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names: { kind: kind.kind, listKind: `${kind.kind}List`, plural: kind.plural, singular, shortNames, categories: ['loligo'] },
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              description: doc,
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: toOpenApi(spec),
                status: toOpenApi(status),
              },
            },
          },
        },
      ],
    },
  };
}
