/**
 * The record of a volume: the metadata key `loligo.volume` of its image, JSON that `rbd image-meta list` shows; and
 * beside it `loligo.key`, the wrapped data key of an encrypted one (keys/stored-key.ts).
 *   R1  a record counts only when its `name` is the image's own, or that with `.deleted` behind it is: clones and
 *       copies inherit their parent's metadata;
 *   R2  it is written last, when the image is as wanted, or with the header where that comes last: an image without a record of its own is not a volume;
 *   R3  one with a newer `v` than ours is read and never changed;
 *   R4  `luksHeader` is there just for an encrypted volume: the image is larger than the volume by that. The key is
 *       written with the record or before it, and counts only beside it.
 * The keys `conf_rbd_qos_*` are librbd's own and follow the record's `qos`.
 */
import { changeMetadata, Image, type ImageHeader, type IoContext, listMetadata } from '#ceph';
import { Failure } from '#lib/failure';
import { DELETED, type ImageRef } from '#lib/handle';
import { field, parseJson } from '#lib/json';
import { LUKS_HEADER } from '#lib/luks';
import { JOURNALING } from './features.ts';
import type { Labels, Mutable, VolumeSpec } from './specs.ts';

export const RECORD = 'loligo.volume';
export const KEY = 'loligo.key';
export const VERSION = 1;
const OURS = 'loligo.';
const QOS = 'conf_rbd_qos_';

export interface VolumeRecord {
  readonly v: number;
  /** The image's own name when the record was written. */
  readonly name: string;
  readonly instance: string;
  /** CSI's name of the volume. */
  readonly request: string;
  /** Bytes that were asked for when it was made; the image may have grown since. */
  readonly size: string;
  /** What it was made from: '', `pool/image` or `pool/image@snapshot`. */
  readonly source: string;
  readonly mutable: Mutable;
  readonly labels: Labels;
  /** Bytes of the image before the volume's data (R4). */
  readonly luksHeader?: string;
}

/** The record when it is the image's own (R1). What anybody may write there, with `rbd image-meta set`, is not taken on trust. */
export function readRecord(header: ImageHeader, image: string): VolumeRecord | undefined {
  const record = parseJson(header.metadata.get(RECORD) ?? '');
  return isRecord(record) && (image === record.name || image === record.name + DELETED) ? record : undefined;
}

function isRecord(value: unknown): value is VolumeRecord {
  const is = (name: string, type: string): boolean => typeof field(value, name) === type && field(value, name) !== null;
  const texts = ['name', 'instance', 'request', 'size', 'source'].every((name) => is(name, 'string'));
  const isWhole = texts && /^\d+$/.test(String(field(value, 'size'))) && isTexts(field(value, 'labels')) && is('v', 'number');
  return isWhole && isMutable(field(value, 'mutable'));
}

function isMutable(value: unknown): value is Mutable {
  const counts = ['deleteRetention', 'maxCloneDepth'].map((name) => field(value, name));
  return counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 0) && isTexts(field(value, 'qos'));
}

function isTexts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}

/** How many bytes an image has more than the volume that it is (R4). */
export function headerOf({ luksHeader }: Pick<VolumeRecord, 'luksHeader'>): bigint {
  return BigInt(luksHeader ?? 0);
}

/** The same of a volume that is to be made. */
export function headerFor({ key }: Pick<VolumeSpec, 'key'>): bigint {
  return key === '' ? 0n : LUKS_HEADER;
}

/** The record that a volume as wanted gets; `size`, which is the image's, and `source` are what it is made with. */
export function recordOf(want: VolumeSpec, facts: { instance: string; source: string; size: bigint }): VolumeRecord {
  return {
    v: VERSION,
    name: want.image,
    instance: facts.instance,
    request: want.name,
    size: String(facts.size - headerFor(want)),
    source: facts.source,
    mutable: want.mutable,
    labels: want.labels,
    ...(want.key === '' ? {} : { luksHeader: String(LUKS_HEADER) }),
  };
}

/** An image that was made just now. */
export interface FreshImage {
  readonly id: string;
  readonly features: bigint;
  /** Clones and copies inherit metadata. */
  readonly inherits: boolean;
}

/** A record, and the wrapped key of an encrypted volume. */
export interface Marking {
  readonly record: VolumeRecord;
  readonly key: string;
}

/** What stands on an image for a record. The key first: where keys are written one by one, a record has it already. */
export function metadataOf({ record, key }: Marking): Map<string, string> {
  const keys: [string, string][] = key === '' ? [] : [[KEY, key]];
  return new Map([...keys, [RECORD, JSON.stringify(record)], ...qosMetadata(record.mutable)]);
}

/** Writes the record of an image. What it has of ours, or of a parent's limits, goes in the same step; a person's own keys stay. */
export async function writeRecord(io: IoContext, image: FreshImage, marking: Marking): Promise<void> {
  const inherited = image.inherits ? [...(await listMetadata(io, image.id)).keys()] : [];
  const set = metadataOf(marking);
  const remove = inherited.filter((key) => (key.startsWith(OURS) || key.startsWith(QOS)) && !set.has(key));
  await applyMetadata(io, image, { set, remove });
}

/** Replaces the mutable part of a record. Throws `precondition` for one of a newer version (R3). */
export async function changeRecord(io: IoContext, header: ImageHeader, record: VolumeRecord, mutable: Mutable): Promise<void> {
  if (record.v > VERSION) throw newer(record);
  const set = new Map([[RECORD, JSON.stringify({ ...record, mutable })], ...qosMetadata(mutable)]);
  const old = [...qosMetadata(record.mutable).keys()];
  await applyMetadata(io, header, { set, remove: old.filter((key) => !set.has(key)) });
}

/** An image with a journal is changed through librbd, or its mirror would not hear of it. */
export async function applyMetadata(
  io: IoContext,
  header: Pick<ImageHeader, 'id' | 'features'>,
  change: { readonly set: ReadonlyMap<string, string>; readonly remove: readonly string[] },
): Promise<void> {
  if ((header.features & JOURNALING) === 0n) return await changeMetadata(io, header.id, change);
  await using image = await Image.open(io, { id: header.id });
  for (const key of change.remove) await image.removeMetadata(key);
  for (const [key, value] of change.set) await image.setMetadata(key, value);
}

function qosMetadata(mutable: Mutable): Map<string, string> {
  return new Map(Object.entries(mutable.qos).map(([option, value]) => [`conf_${option}`, value]));
}

function newer(record: VolumeRecord): Failure {
  const message = `the record of ${record.name} has version ${record.v}, and this Loligo knows ${VERSION}: update it`;
  return new Failure('precondition', 'RECORD_NEWER', message);
}

export function notOurs(ref: ImageRef, cluster: string): Failure {
  const message = `image ${ref.pool}/${ref.image} of cluster ${cluster} has no record of Loligo: it was not made by it`;
  return new Failure('conflict', 'IMAGE_NOT_OURS', message);
}
