import { createHash } from 'node:crypto';
import type { Place } from '#lib/handle';
import { parsePlace } from '#lib/handle';
import type { MirrorMode } from '#mirror';
import type { MirrorPolicy } from '../resources/index.ts';
import { parseDuration } from './duration.ts';

/** A policy's spec, read: what plans are made of. */
export interface Want {
  readonly policy: string;
  readonly cluster: string;
  readonly sites: readonly string[];
  readonly primarySite: string;
  readonly epoch: number;
  readonly places: readonly Place[];
  /** The first of the places: what the sites agree on lies there. */
  readonly home: Place;
  readonly mode: MirrorMode;
  /** Seconds. */
  readonly interval: number;
  readonly rpo: number;
  readonly parents: 'mirror' | 'flatten';
  /** The loss that a person accepted, and for which epoch; seconds. */
  readonly accepted: { readonly epoch: number; readonly upTo: number; readonly unknown: boolean } | undefined;
  /** Nothing but snapshots. */
  readonly freeze: boolean;
  readonly resyncOnReturn: boolean;
  readonly disableOnDelete: boolean;
  /** Equal for equal specs: which one a truth was written for. */
  readonly specHash: string;
}

/** The API server has checked the form, and filled in what counts when it is not given. */
export function readPolicy({ metadata, spec }: Pick<MirrorPolicy, 'metadata' | 'spec'>): Want {
  const places = spec.volumes.pools.map(parsePlace);
  const accepted = spec.acceptDataLoss;
  return {
    policy: metadata.name,
    cluster: spec.cluster,
    sites: spec.sites,
    primarySite: spec.primarySite,
    epoch: spec.epoch,
    places,
    home: places[0] ?? { pool: '', namespace: '' },
    mode: spec.mode === 'Journal' ? 'journal' : 'snapshot',
    interval: parseDuration(spec.interval ?? '1m'),
    rpo: parseDuration(spec.rpo ?? '5m'),
    parents: spec.parents === 'Flatten' ? 'flatten' : 'mirror',
    accepted: accepted && { epoch: accepted.epoch, upTo: parseDuration(accepted.upTo), unknown: accepted.unknown === true },
    freeze: spec.freeze === true,
    resyncOnReturn: spec.onReturn === 'Resync',
    disableOnDelete: spec.deletionPolicy === 'Disable',
    specHash: createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 16),
  };
}
