/** Forms that several kinds use. */
import type { Form } from './schema.ts';

/** Cluster, site, pool and namespace names, as handles allow them. */
const NAME = '^[A-Za-z0-9][A-Za-z0-9._-]*$';
const PLACE = '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$';

export function name<const D extends string>(doc: D): { is: 'text'; doc: D; pattern: string; maxLength: number } {
  return { is: 'text', doc, pattern: NAME, maxLength: 63 };
}

export function place<const D extends string>(doc: D): { is: 'text'; doc: D; pattern: string; maxLength: number } {
  return { is: 'text', doc, pattern: PLACE, maxLength: 127 };
}

/** `90s`, `5m`, `1h30m`: what CEL's `duration()` and `parseDuration` read. */
export const DURATION = '^([0-9]+(s|m|h))+$';

/** A label selector as everywhere in Kubernetes; an empty one selects everything. */
export function labelSelector<const D extends string>(doc: D) {
  return {
    is: 'object',
    doc,
    required: [],
    fields: {
      matchLabels: { is: 'map', doc: 'Labels that must be there with these values.', maxProperties: 32 },
      matchExpressions: {
        is: 'list',
        doc: 'Requirements that must all hold.',
        maxItems: 32,
        of: {
          is: 'object',
          doc: 'One requirement.',
          required: ['key', 'operator'],
          fields: {
            key: { is: 'text', doc: 'The label.', maxLength: 317 },
            operator: { is: 'choice', doc: 'What must hold of it.', of: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
            values: {
              is: 'list',
              doc: 'For In and NotIn.',
              maxItems: 64,
              of: { is: 'text', doc: 'A value.', maxLength: 63 },
            },
          },
        },
      },
    },
  } as const satisfies Form;
}

export const CONDITIONS = {
  is: 'list',
  doc: 'What holds and what does not, each with its reason.',
  key: 'type',
  of: {
    is: 'object',
    doc: 'One condition.',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    fields: {
      type: { is: 'text', doc: 'What it is about.' },
      status: { is: 'choice', doc: 'Whether it holds.', of: ['True', 'False', 'Unknown'] },
      reason: { is: 'text', doc: 'Why, in one word.' },
      message: { is: 'text', doc: 'Why, for people.' },
      lastTransitionTime: { is: 'time', doc: 'Since when its status is this one.' },
    },
  },
} as const satisfies Form;

export const OBSERVED_GENERATION = {
  is: 'whole',
  doc: 'The generation of the object that this status is of.',
} as const satisfies Form;
