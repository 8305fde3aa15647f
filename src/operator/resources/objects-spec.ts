/** `spec.objects` of a MirrorPolicy: in which terms objects are built from what images carry. */
import type { Form } from './schema.ts';

const NAMESPACE = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

/** A map from names as they come to names here. */
function names<const D extends string>(doc: D, pattern: string, what: string) {
  return {
    is: 'map',
    doc,
    maxProperties: 32,
    rules: [{ rule: `self.all(name, self[name].matches('${pattern}'))`, message: `a value is no name of ${what}` }],
  } as const satisfies Form;
}

export const OBJECTS_SPEC = {
  is: 'object',
  doc: 'The PersistentVolumes, claims and snapshots of the volumes, as they are built at the site that becomes primary from what the images carry. They are built where volumes.namespaces selects, and in the namespaces named here.',
  required: [],
  fields: {
    namespaces: {
      is: 'list',
      doc: 'Namespaces in which claims and snapshots may be built, besides those that volumes.namespaces selects.',
      maxItems: 256,
      of: {
        is: 'text',
        doc: 'A namespace.',
        pattern: NAMESPACE,
        maxLength: 63,
        rules: [{ rule: "!self.startsWith('kube-')", message: "nothing is built in Kubernetes' own namespaces" }],
      },
    },
    labels: {
      is: 'list',
      doc: 'Labels of claims that travel with the volumes, besides those that volumes.claims asks for.',
      maxItems: 32,
      of: { is: 'text', doc: 'The key of a label.', maxLength: 317 },
    },
    maps: {
      is: 'list',
      doc: 'What has another name at a site. A site that is not named here takes names as they come.',
      key: 'site',
      maxItems: 2,
      of: {
        is: 'object',
        doc: 'Names at one site.',
        required: ['site'],
        fields: {
          site: { is: 'text', doc: 'The site where the objects are built.', maxLength: 63 },
          namespaces: names(
            'From the namespace of a claim at the other site to its namespace at this one.',
            NAMESPACE,
            'a namespace',
          ),
          storageClasses: names(
            'From the StorageClass of a volume at the other site to its class at this one.',
            '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
            'a StorageClass',
          ),
        },
      },
    },
  },
} as const satisfies Form;
