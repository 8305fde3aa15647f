/**
 * What Kubernetes has of a volume, kept with it: the metadata key `loligo.kubernetes` of its image, so that it is where the image is, at
 * the other site too. A text of the operator's, whose form is in operator/objects/facts.ts.
 *   K1  it names its image, and counts for no other: clones and copies inherit their parent's metadata;
 *   K2  it is written where the volume is served, and only over the text that its writer read;
 *   K3  no answer about the volume itself depends on it.
 * Who took a snapshot, in Kubernetes' words, is in the snapshot's own record.
 */
import { listDirectory, listMetadata, readSnapshots } from '#ceph';
import { compareText } from '#lib/compare-text';
import { Failure } from '#lib/failure';
import { formatImage, type Place } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import type { EngineScope } from './engine-scope.ts';
import { getVolumeImage, type SeenVolume, seeImage } from './look.ts';
import { eachImage } from './mirror/batch.ts';
import { MIRROR_MARK } from './mirror/mark.ts';
import { checkServedHere } from './mirror/served-here.ts';
import { applyMetadata, headerOf, RECORD, readRecord } from './record.ts';
import type { Site } from './site.ts';
import { isNamed, readSnapshotRecord, recordedSnapshots } from './snapshot-record.ts';
import type { ImageOutcome, SnapshotFacts, VolumeFacts, VolumeFactsChange } from './specs.ts';

const FACTS = 'loligo.kubernetes';
/** What is longer is none of ours; so much of it is shown, which is enough to refuse it. */
const FACTS_SHOWN = 16 * 1024;
const AT_ONCE = 16;
const PAGE = 512;

interface Asked {
  readonly place: Place;
  readonly images: 'all' | readonly string[];
}

/** Three or four round trips for each volume of this instance. */
export async function volumeFacts(site: Site, { place, images }: Asked): Promise<readonly VolumeFacts[]> {
  const names = images === 'all' ? await listNames(site, place) : images;
  const found: VolumeFacts[] = [];
  await inParallel(names, AT_ONCE, async (image) => {
    const volume = await seeOurs(site, place, image);
    if (volume !== undefined) found.push(await describe(site, place, volume));
  });
  return found.toSorted((a, b) => compareText(a.image, b.image));
}

async function listNames(site: Site, place: Place): Promise<readonly string[]> {
  const io = await site.open(place);
  const names: string[] = [];
  for (;;) {
    const page = [...(await listDirectory(io, names.at(-1) ?? '', PAGE)).keys()];
    names.push(...page);
    if (page.length < PAGE) return names;
  }
}

/** Undefined for what is no volume of this instance, and for one that is deleted and has its snapshots outlive it. */
async function seeOurs(site: Site, place: Place, image: string): Promise<SeenVolume | undefined> {
  const io = await site.open(place);
  const seen = await seeImage(io, image, [RECORD, MIRROR_MARK]);
  if (seen.is !== 'image') return undefined;
  const record = readRecord(seen.header, image);
  if (record === undefined || record.name !== image || record.instance !== site.identity.instance) return undefined;
  return { io, image, header: seen.header, record };
}

async function describe(site: Site, place: Place, volume: SeenVolume): Promise<VolumeFacts> {
  const { header, record, image } = volume;
  const metadata = await listMetadata(volume.io, header.id);
  return {
    ...place,
    image,
    text: (metadata.get(FACTS) ?? '').slice(0, FACTS_SHOWN),
    labels: record.labels,
    size: header.size - headerOf(record),
    encrypted: record.luksHeader !== undefined,
    elsewhere: await whyNotHere(site, volume),
    snapshots: await snapshotsOf(volume, metadata),
  };
}

async function whyNotHere(site: Site, volume: SeenVolume): Promise<string> {
  try {
    await checkServedHere(site, volume);
    return '';
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

/** Those of groups are not among them: their objects are the group's. */
async function snapshotsOf({ io, header }: SeenVolume, metadata: ReadonlyMap<string, string>): Promise<readonly SnapshotFacts[]> {
  const recorded = recordedSnapshots(metadata);
  if (recorded.length === 0) return [];
  const infos = await readSnapshots(io, header.id, header.snapshotIds);
  return recorded.toSorted(compareText).flatMap((snapshot): SnapshotFacts[] => {
    const record = readSnapshotRecord(metadata, snapshot);
    if (record === undefined || record.group !== '' || !infos.some((info) => isNamed(info, snapshot, record))) return [];
    return [{ snapshot, labels: record.labels }];
  });
}

export async function writeVolumeFacts(
  site: Site,
  { place, changes }: { readonly place: Place; readonly changes: readonly VolumeFactsChange[] },
  scope: EngineScope,
): Promise<readonly ImageOutcome[]> {
  const byImage = new Map(changes.map((change) => [change.image, change]));
  const images = [...byImage.keys()];
  return await eachImage({ place, images, doing: 'writing down what Kubernetes has of' }, scope, async (image) => {
    const change = byImage.get(image);
    if (change !== undefined) await write(site, place, change);
  });
}

async function write(site: Site, place: Place, { image, before, text }: VolumeFactsChange): Promise<void> {
  const volume = await getVolumeImage(site, { ...place, image }, [MIRROR_MARK]);
  const now = (await listMetadata(volume.io, volume.header.id)).get(FACTS) ?? '';
  if (now === text) return;
  if (now.slice(0, FACTS_SHOWN) !== before) {
    throw new Failure(
      'busy',
      'FACTS_CHANGED',
      `${formatImage({ ...place, image })}: somebody else wrote what Kubernetes has of it`,
    );
  }
  await checkServedHere(site, volume);
  const change = text === '' ? { set: new Map(), remove: [FACTS] } : { set: new Map([[FACTS, text]]), remove: [] };
  await applyMetadata(volume.io, volume.header, change);
}
