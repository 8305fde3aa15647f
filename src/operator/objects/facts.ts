/**
 * The form of what Kubernetes has of a volume, as it travels in the image's metadata (rbd/volume-facts.ts): facts, and no manifests.
 * Handle, driver, size, Secrets and mount options are none of them: they follow from the image, and from the classes of the cluster
 * where the objects are built. So whoever can write metadata of an image can name no other image, no other driver and no Secret.
 */
import { parseJson } from '#lib/json';
import { checkFields, labels, listOf, nameOrNone, namespaceName, objectName, oneOf, shown, type Wrong } from './checks.ts';
import type { Claim, Volume } from './kinds.ts';

const VERSION = 1;
/** Bytes; ours have a few hundred. */
const TEXT_MAX = 8 * 1024;
/** What a PersistentVolume that we built was made with: it is Retain itself. */
export const RECLAIM_POLICY = 'loligo.dev/reclaim-policy';

const MODES = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'] as const;

export interface Facts {
  /** The Kubernetes cluster whose objects these are: the uid of its kube-system. */
  readonly from: string;
  /** The PersistentVolume. */
  readonly volume: string;
  /** Its StorageClass; '' for none. */
  readonly class: string;
  readonly modes: readonly string[];
  readonly block: boolean;
  /** Of a volume with a file system: which, '' when nobody said. */
  readonly fs: string;
  readonly reclaim: 'Delete' | 'Retain';
  readonly claim: {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

const CLAIM = { namespace: namespaceName, name: objectName, labels };

/** Undefined for a volume that serves no claim at the moment. */
export function factsOf(volume: Volume, claim: Claim, from: string): Facts | undefined {
  const { spec, status, metadata } = volume;
  const { namespace = '', name = '' } = spec.claimRef ?? {};
  if (status?.phase !== 'Bound' || name === '') return undefined;
  const reclaim = metadata.annotations?.[RECLAIM_POLICY] ?? spec.persistentVolumeReclaimPolicy;
  return {
    from,
    volume: metadata.name,
    class: spec.storageClassName ?? '',
    modes: spec.accessModes ?? ['ReadWriteOnce'],
    block: spec.volumeMode === 'Block',
    fs: spec.volumeMode === 'Block' ? '' : (spec.csi?.fsType ?? ''),
    reclaim: reclaim === 'Delete' ? 'Delete' : 'Retain',
    claim: { namespace, name, labels: claim.metadata.labels ?? {} },
  };
}

export function formatFacts(image: string, facts: Facts): string {
  const text = JSON.stringify({ v: VERSION, name: image, ...facts });
  if (Buffer.byteLength(text) <= TEXT_MAX) return text;
  return JSON.stringify({ v: VERSION, name: image, ...facts, claim: { ...facts.claim, labels: {} } });
}

/** Undefined when the text is of another image (a clone's parent) or there is none. */
export function readFacts(text: string, image: string): Facts | Wrong | undefined {
  if (text === '') return undefined;
  if (Buffer.byteLength(text) > TEXT_MAX) return { field: '(all)', message: `is longer than ${TEXT_MAX} bytes` };
  const parsed = parseJson(text);
  const wrong = checkFields(parsed, {
    v: (value) => (value === VERSION ? undefined : `${shown(value)} is a form that this Loligo does not know`),
    name: (value) => (typeof value === 'string' ? undefined : 'is no text'),
    from: (value) => (typeof value === 'string' && value.length <= 64 ? undefined : 'names no Kubernetes cluster'),
    volume: objectName,
    class: nameOrNone,
    modes: listOf(...MODES),
    block: oneOf(true, false),
    fs: oneOf('', 'ext4', 'xfs'),
    reclaim: oneOf('Delete', 'Retain'),
    claim: (value) => (typeof value === 'object' ? undefined : 'is no object'),
  });
  if (wrong !== undefined) return wrong;
  const { v: _, name, ...facts } = parsed as Facts & { v: number; name: string }; // looked at just now, field by field
  const inClaim = checkFields(facts.claim, CLAIM, 'claim.');
  if (inClaim !== undefined) return inClaim;
  return name === image ? facts : undefined;
}

/**
 * What is known of a volume that no policy ever selected: what its driver kept when it was made. Its class nobody told the driver. As little
 * to be trusted as the rest.
 */
export function readRecordFacts(
  image: string,
  kept: Readonly<Record<string, string>>,
  className: string,
): Facts | Wrong | undefined {
  const of = (key: string): string => kept[key] ?? '';
  if (of('pv/name') === '' || of('pv/accessModes') === '') return undefined;
  const claim = { namespace: of('pvc/namespace'), name: of('pvc/name'), labels: {} };
  const use = { modes: of('pv/accessModes').split(','), block: of('pv/volumeMode') === 'Block', fs: of('pv/fsType') };
  const facts = { from: '', volume: of('pv/name'), class: className, ...use, reclaim: 'Delete', claim };
  return readFacts(JSON.stringify({ v: VERSION, name: image, ...facts }), image);
}

export function isWrong(value: Facts | Wrong | undefined): value is Wrong {
  return value !== undefined && 'message' in value;
}
