/** MirrorVolume: how one volume of a policy fares. Written by the operator alone, when the state changes. */
import type { Kind, ObjectMeta } from '../runtime/index.ts';
import { OBSERVED_GENERATION } from './forms.ts';
import type { Form, TypeOf } from './schema.ts';

const SPEC = {
  is: 'object',
  doc: 'Which volume.',
  required: ['policy', 'volume'],
  fields: {
    policy: { is: 'text', doc: 'The MirrorPolicy that it is mirrored by.' },
    volume: { is: 'text', doc: 'Its handle: cluster/pool[/namespace]/image.' },
    claim: { is: 'text', doc: 'Its claim, as namespace/name, where there is one.' },
  },
} as const satisfies Form;

const STATUS = {
  is: 'object',
  doc: 'How it fares.',
  required: [],
  fields: {
    observedGeneration: OBSERVED_GENERATION,
    state: {
      is: 'choice',
      doc: 'The same words as in the policy.',
      of: ['Replicating', 'Syncing', 'Failed', 'SplitBrain', 'Unprotected'],
    },
    reason: { is: 'text', doc: 'Why, in one word.' },
    message: { is: 'text', doc: 'Why, for people.' },
    primarySite: { is: 'text', doc: 'Where it is primary: a site, both, nowhere, or unknown.' },
    since: { is: 'time', doc: 'Since when it is in this state.' },
  },
} as const satisfies Form;

export type MirrorVolumeSpec = TypeOf<typeof SPEC>;
export type MirrorVolumeStatus = TypeOf<typeof STATUS>;

export interface MirrorVolume {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: MirrorVolumeSpec;
  readonly status?: MirrorVolumeStatus;
}

export const MIRROR_VOLUMES: Kind = {
  group: 'loligo.dev',
  version: 'v1alpha1',
  kind: 'MirrorVolume',
  plural: 'mirrorvolumes',
  namespaced: false,
};

export const MIRROR_VOLUME = {
  kind: MIRROR_VOLUMES,
  singular: 'mirrorvolume',
  shortNames: ['mv'],
  doc: 'How one volume of a MirrorPolicy fares.',
  spec: SPEC,
  status: STATUS,
  columns: [
    { name: 'Policy', type: 'string', jsonPath: '.spec.policy', description: 'What it is mirrored by.' },
    { name: 'Volume', type: 'string', jsonPath: '.spec.volume', description: 'Its handle.' },
    { name: 'Claim', type: 'string', jsonPath: '.spec.claim', description: 'Its claim.' },
    { name: 'State', type: 'string', jsonPath: '.status.state', description: 'How it fares.' },
    { name: 'Reason', type: 'string', jsonPath: '.status.reason', description: 'Why.' },
    { name: 'Primary', type: 'string', jsonPath: '.status.primarySite', description: 'Where it is primary.' },
    { name: 'Since', type: 'date', jsonPath: '.status.since', description: 'Since when.' },
  ],
} as const;
