import type { ImageHeader } from '#ceph';
import { Failure } from '#lib/failure';
import { formatImage, type Place, parseImage } from '#lib/handle';
import { chosenFeatures, featureBits } from './features.ts';
import type { SeenVolume } from './look.ts';
import { headerFor, headerOf, type VolumeRecord } from './record.ts';
import type { Site } from './site.ts';
import type { Feature, Layout, Source, Volume, VolumeSpec } from './specs.ts';

/** Throws `conflict` naming the first property in which a volume of that name is not as wanted. */
export async function compareVolume(site: Site, want: VolumeSpec, seen: Pick<SeenVolume, 'header' | 'record'>): Promise<void> {
  const { record, header } = seen;
  const size = BigInt(record.size);
  if (record.instance !== site.identity.instance) throw differs(want, 'instance', record.instance);
  if (record.request !== want.name) throw differs(want, 'name', record.request);
  if (size < want.range.required || (want.range.limit > 0n && size > want.range.limit)) {
    throw differs(want, 'size', `${size} bytes`);
  }
  if (headerOf(record) !== headerFor(want)) throw differs(want, 'encryption', record.luksHeader === undefined ? 'none' : 'LUKS');
  if (record.source !== describeSource(want.source)) throw differs(want, 'source', record.source || 'none');
  const dataPool = await site.dataPoolOf(header);
  if (dataPool !== want.layout.dataPool) throw differs(want, 'dataPool', dataPool || 'none');
  compareShape(want, header);
}

function compareShape(want: VolumeSpec, header: ImageHeader): void {
  const features = chosenFeatures(header.features);
  if (!sameFeatures(want, header)) throw differs(want, 'features', features.join(','));
  const other = otherObjects(want, header);
  if (other !== undefined) throw differs(want, other.property, String(other.has));
}

/** Whether the image lies in objects of the size, and in stripes of the form, that are wanted. */
export function sameObjects(want: VolumeSpec, header: ImageHeader): boolean {
  return otherObjects(want, header) === undefined;
}

function otherObjects(want: VolumeSpec, header: ImageHeader): { readonly property: string; readonly has: bigint } | undefined {
  const objectSize = 1n << BigInt(header.order);
  const [stripe, wanted] = [stripeOf(header), wantedStripe(want)];
  if (objectSize !== want.layout.objectSize) return { property: 'objectSize', has: objectSize };
  if (stripe.unit !== wanted.unit) return { property: 'stripeUnit', has: stripe.unit };
  if (stripe.count !== wanted.count) return { property: 'stripeCount', has: stripe.count };
  return undefined;
}

interface Stripe {
  readonly unit: bigint;
  readonly count: bigint;
}

/** An image without stripes has one object after the other, whether that was asked for or not. */
export function wantedStripe({ layout }: VolumeSpec): Stripe {
  const { objectSize, stripeUnit, stripeCount } = layout;
  return stripeCount === 0n ? { unit: objectSize, count: 1n } : { unit: stripeUnit, count: stripeCount };
}

function stripeOf({ order, stripeUnit, stripeCount }: ImageHeader): Stripe {
  return stripeCount === 0n ? { unit: 1n << BigInt(order), count: 1n } : { unit: stripeUnit, count: stripeCount };
}

/** As a class would ask for it. */
export function layoutOf(header: ImageHeader): Omit<Layout, 'dataPool'> {
  const objectSize = 1n << BigInt(header.order);
  const { unit, count } = stripeOf(header);
  const stripes =
    unit === objectSize && count === 1n ? { stripeUnit: 0n, stripeCount: 0n } : { stripeUnit: unit, stripeCount: count };
  return { objectSize, ...stripes, features: chosenFeatures(header.features) };
}

/** Striping follows from the stripe, and journaling is switched on later by mirroring: neither tells volumes apart. */
export function sameFeatures(want: VolumeSpec, header: Pick<ImageHeader, 'features'>): boolean {
  const without = (features: readonly Feature[]): bigint =>
    featureBits(features.filter((feature) => feature !== 'striping' && feature !== 'journaling'));
  return without(chosenFeatures(header.features)) === without(want.layout.features);
}

function differs(want: VolumeSpec, property: string, has: string): Failure {
  return new Failure('conflict', 'VOLUME_DIFFERS', `${formatImage(want)} exists with another ${property}: ${has}`);
}

/** A source as the record has it. */
export function describeSource(source: Source): string {
  switch (source.from) {
    case 'nothing':
      return '';
    case 'snapshot':
      return `${formatImage(source.snapshot)}@${source.snapshot.snapshot}`;
    case 'volume':
      return formatImage(source.volume);
  }
}

function parseSource(text: string): Source {
  const [path = '', snapshot] = text.split('@');
  if (!path.includes('/')) return { from: 'nothing' };
  const ref = parseImage(path);
  return snapshot === undefined ? { from: 'volume', volume: ref } : { from: 'snapshot', snapshot: { ...ref, snapshot } };
}

export function toVolume(seen: {
  readonly at: Place;
  readonly record: VolumeRecord;
  /** Of the image. */
  readonly size: bigint;
  readonly dataPool: string;
}): Volume {
  const { record, at } = seen;
  return {
    pool: at.pool,
    namespace: at.namespace,
    image: record.name,
    name: record.request,
    size: seen.size - headerOf(record),
    source: parseSource(record.source),
    dataPool: seen.dataPool,
    mutable: record.mutable,
  };
}
