/**
 * MirrorPolicy: which volumes of a logical cluster are mirrored between its two sites, and at which of them they are primary. One
 * object says it all, the same at both sites. What an operator could decide by itself is no field: widths, patience, peers.
 */
import type { Kind, ObjectMeta } from '../runtime/index.ts';
import { CONDITIONS, DURATION, labelSelector, name, OBSERVED_GENERATION, place } from './forms.ts';
import { OBJECTS_SPEC } from './objects-spec.ts';
import type { Form, TypeOf } from './schema.ts';

const SPEC = {
  is: 'object',
  doc: 'What is wanted. The same at both sites.',
  required: ['cluster', 'sites', 'primarySite', 'epoch', 'volumes'],
  fields: {
    cluster: {
      ...name('The logical cluster, as the cluster configuration names it; its two sites are found there.'),
      rules: [{ rule: 'self == oldSelf', message: 'cluster cannot be changed: make another policy' }],
    },
    sites: {
      is: 'list',
      doc: 'The two sites that stand behind the cluster. The names are those of the cluster configuration, and become the site names in RBD.',
      minItems: 2,
      maxItems: 2,
      of: name('A site.'),
      rules: [
        { rule: 'self[0] != self[1]', message: 'the two sites have the same name' },
        { rule: 'self.all(site, site in oldSelf)', message: 'the sites cannot be others: make another policy' },
      ],
    },
    primarySite: name('Where the volumes are to be written. Changing it, together with the next epoch, moves them all.'),
    epoch: {
      is: 'whole',
      doc: 'Grows by one with each change of primarySite. A copy of this object that is older than what the sites agreed on moves nothing.',
      minimum: 1,
      rules: [{ rule: 'self >= oldSelf', message: 'epoch cannot go back: an older state of this object moves nothing' }],
    },
    volumes: {
      is: 'object',
      doc: 'Which volumes. Those whose StorageClass has the parameter mirrorPolicy with the name of this policy are always among them.',
      required: ['pools'],
      rules: [
        {
          rule: '!has(self.everything) || !self.everything || (!has(self.claims) && !has(self.namespaces))',
          message: 'everything selects all volumes of the pools: it does not go with claims or namespaces',
        },
      ],
      fields: {
        pools: {
          is: 'list',
          doc: 'Pools (or pool/namespace) whose volumes can be selected; they have the same names at both sites. In the first one the sites keep what they agreed on.',
          minItems: 1,
          maxItems: 32,
          of: place('A pool, or pool/namespace.'),
          rules: [
            { rule: 'self.all(pool, self.exists_one(other, other == pool))', message: 'a pool is named twice' },
            { rule: 'self[0] == oldSelf[0]', message: 'the first pool cannot be another one: it keeps what the sites agreed on' },
          ],
        },
        everything: { is: 'flag', doc: 'All volumes of the pools, also those without a claim.' },
        namespaces: labelSelector('Claims in namespaces with these labels. With claims, both must hold.'),
        claims: labelSelector('Claims with these labels. With namespaces, both must hold.'),
      },
    },
    mode: {
      is: 'choice',
      doc: 'Snapshot: consistent points at an interval. Journal: each write is replayed, within seconds, and written twice.',
      of: ['Snapshot', 'Journal'],
      standard: 'Snapshot',
      rules: [
        { rule: 'self == oldSelf', message: 'mode cannot be changed: every volume would be copied anew; make another policy' },
      ],
    },
    interval: {
      is: 'text',
      doc: 'Between two mirror snapshots of a volume that is written to; 5s or more. In journal mode it has no meaning.',
      pattern: DURATION,
      maxLength: 16,
      standard: '1m',
      rules: [
        { rule: "duration(self) >= duration('5s')", message: 'interval is at least 5s' },
        { rule: "duration(self) <= duration('168h')", message: 'interval is at most 168h' },
      ],
    },
    rpo: {
      is: 'text',
      doc: 'How much may be lost at most when the primary site is lost: the condition RPOMet says whether that is so now.',
      pattern: DURATION,
      maxLength: 16,
      standard: '5m',
    },
    parents: {
      is: 'choice',
      doc: 'What becomes of a volume that is a clone of one that is not mirrored: its parent is mirrored too, or it is made independent of it.',
      of: ['Mirror', 'Flatten'],
      standard: 'Mirror',
    },
    acceptDataLoss: {
      is: 'object',
      doc: 'Makes the change of primarySite to this epoch a forced one: the other site is taken for lost. Without it nothing is ever forced.',
      required: ['epoch', 'upTo'],
      fields: {
        epoch: { is: 'whole', doc: 'The epoch that it holds for, and no other: with the move it is spent.', minimum: 2 },
        upTo: {
          is: 'text',
          doc: 'The largest loss that is accepted; status.lossIfForced says what it would be.',
          pattern: DURATION,
          maxLength: 16,
          rules: [{ rule: "duration(self) > duration('0s')", message: 'upTo is more than 0s' }],
        },
        unknown: { is: 'flag', doc: 'Volumes whose loss nobody can tell are promoted too.' },
      },
    },
    freeze: {
      is: 'flag',
      doc: 'Nothing is moved, enabled, brought home or copied anew, whatever else is said here; snapshots that are due are taken. What is under way is ended.',
    },
    objects: OBJECTS_SPEC,
    onReturn: {
      is: 'choice',
      doc: 'What becomes of the copies at a site that was lost and came back: Hold leaves them as they are, Resync throws them away and copies anew.',
      of: ['Hold', 'Resync'],
      standard: 'Hold',
    },
    deletionPolicy: {
      is: 'choice',
      doc: 'When this object is deleted. Retain: images go on being mirrored as they are, without snapshots of ours. Disable: mirroring ends, and with it the copies at the other site.',
      of: ['Retain', 'Disable'],
      standard: 'Retain',
    },
  },
  rules: [
    { rule: 'self.primarySite in self.sites', message: 'primarySite is none of sites' },
    {
      rule: 'self.primarySite == oldSelf.primarySite || self.epoch > oldSelf.epoch',
      message: 'primarySite changes only together with the next epoch: one more than status.epoch',
    },
    {
      rule: "!has(self.rpo) || !has(self.interval) || self.mode == 'Journal' || duration(self.rpo) >= duration(self.interval)",
      message: 'rpo is shorter than interval, so it could never be met',
    },
    {
      rule: '!has(self.acceptDataLoss) || self.acceptDataLoss.epoch <= self.epoch',
      message: 'acceptDataLoss is for an epoch that is not this one: accept the loss together with the change of primarySite',
    },
    {
      rule: '!has(self.objects) || !has(self.objects.maps) || self.objects.maps.all(names, names.site in self.sites)',
      message: 'objects.maps names a site that is none of sites',
    },
  ],
} as const satisfies Form;

const STATUS = {
  is: 'object',
  doc: 'What is so. Truth is in Ceph; this is what was seen there last.',
  required: [],
  fields: {
    observedGeneration: OBSERVED_GENERATION,
    primarySite: { is: 'text', doc: 'Where the volumes are primary, as the sites agreed.' },
    epoch: { is: 'whole', doc: 'Since which epoch.' },
    phase: {
      is: 'choice',
      doc: 'What is going on.',
      of: [
        'Peering',
        'InitialSync',
        'Steady',
        'SwitchingOver',
        'FailingOver',
        'Degraded',
        'Recovering',
        'Stale',
        'Frozen',
        'Blocked',
        'Deleting',
      ],
    },
    step: {
      is: 'object',
      doc: 'The step of a move that is under way.',
      required: ['name', 'done', 'total'],
      fields: {
        name: { is: 'text', doc: 'Its name.' },
        done: { is: 'whole', doc: 'Volumes that have taken it.' },
        total: { is: 'whole', doc: 'Volumes that have to.' },
        blockedBy: { is: 'text', doc: 'What it waits for, and the first of the volumes concerned.' },
      },
    },
    sites: {
      is: 'list',
      doc: 'The two sites as they were seen last.',
      key: 'name',
      of: {
        is: 'object',
        doc: 'One site.',
        required: ['name', 'reachable'],
        fields: {
          name: { is: 'text', doc: 'Its name.' },
          reachable: { is: 'flag', doc: 'Whether it answered.' },
          message: { is: 'text', doc: 'Why it did not.' },
          fsid: { is: 'text', doc: 'The Ceph cluster.' },
          epoch: { is: 'whole', doc: 'The epoch that it holds.' },
          lastSeen: { is: 'time', doc: 'When it last stopped answering; not there while it answers.' },
          daemons: { is: 'whole', doc: 'Mirror daemons that serve the first pool there.' },
        },
      },
    },
    volumes: {
      is: 'object',
      doc: 'How many volumes are in which state.',
      required: ['selected', 'replicating', 'syncing', 'failed', 'splitBrain', 'unprotected', 'summary'],
      fields: {
        selected: { is: 'whole', doc: 'Selected by this policy.' },
        replicating: { is: 'whole', doc: 'Whole at both sites, and followed.' },
        syncing: { is: 'whole', doc: 'Being copied for the first time, or anew.' },
        failed: { is: 'whole', doc: 'Not followed; the MirrorVolume says why.' },
        splitBrain: { is: 'whole', doc: 'Written at both sites.' },
        unprotected: { is: 'whole', doc: 'Selected, and not mirrored.' },
        summary: { is: 'text', doc: 'Those that are safe, of those that are selected.' },
      },
    },
    lag: {
      is: 'object',
      doc: 'How old the newest state is that the other site has whole, by the lists of mirror snapshots of both sites.',
      required: ['max', 'p50'],
      fields: {
        max: { is: 'text', doc: 'Of the volume that is furthest behind.' },
        p50: { is: 'text', doc: 'Of half of the volumes, at most.' },
        worst: { is: 'text', doc: 'The volume that is furthest behind.' },
        behind: {
          is: 'text',
          doc: 'Bytes that the other site lacks, of all volumes, in whole objects; of half a minute ago at most. Not there where it cannot be told, as in journal mode.',
        },
      },
    },
    lossIfForced: {
      is: 'text',
      doc: 'How much would be lost at most if the other site were promoted by force before the next look, which is some seconds away.',
    },
    lastMove: {
      is: 'object',
      doc: 'The last change of the primary site.',
      required: ['kind', 'from', 'to', 'epoch', 'startedAt', 'seconds'],
      fields: {
        kind: { is: 'choice', doc: 'With both sites, or without the other one.', of: ['Planned', 'Forced'] },
        from: { is: 'text', doc: 'From which site.' },
        to: { is: 'text', doc: 'To which site.' },
        epoch: { is: 'whole', doc: 'Its epoch.' },
        startedAt: { is: 'time', doc: 'When it began.' },
        seconds: { is: 'whole', doc: 'How long it took until the volumes were primary again.' },
        dataLoss: { is: 'text', doc: 'What was lost at most.' },
      },
    },
    conditions: CONDITIONS,
  },
} as const satisfies Form;

export type MirrorPolicySpec = TypeOf<typeof SPEC>;
export type MirrorPolicyStatus = TypeOf<typeof STATUS>;

export interface MirrorPolicy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: MirrorPolicySpec;
  readonly status?: MirrorPolicyStatus;
}

export const MIRROR_POLICIES: Kind = {
  group: 'loligo.dev',
  version: 'v1alpha1',
  kind: 'MirrorPolicy',
  plural: 'mirrorpolicies',
  namespaced: false,
};

export const MIRROR_POLICY = {
  kind: MIRROR_POLICIES,
  singular: 'mirrorpolicy',
  shortNames: ['mp'],
  doc: 'Which volumes are mirrored between two sites, and at which of them they are primary.',
  spec: SPEC,
  status: STATUS,
  columns: [
    { name: 'Primary', type: 'string', jsonPath: '.status.primarySite', description: 'Where the volumes are written.' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'What is going on.' },
    { name: 'Volumes', type: 'string', jsonPath: '.status.volumes.summary', description: 'Safe ones, of those selected.' },
    { name: 'Lag', type: 'string', jsonPath: '.status.lag.max', description: 'Of the volume furthest behind.' },
    { name: 'RPO', type: 'string', jsonPath: '.status.conditions[?(@.type=="RPOMet")].status', description: 'Whether it is met.' },
    { name: 'Loss-If-Forced', type: 'string', jsonPath: '.status.lossIfForced', description: 'If the other site were forced now.' },
    { name: 'Step', type: 'string', jsonPath: '.status.step.name', description: 'Of a move under way.', priority: 1 },
    { name: 'Epoch', type: 'integer', jsonPath: '.status.epoch', description: 'Grows with each move.', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Of this object.' },
  ],
} as const;
