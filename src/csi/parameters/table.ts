/**
 * Every parameter of a StorageClass, in one table: requests are read by it, and docs/parameters.md is made from it.
 * `mutable` ones may stand in a VolumeAttributesClass too.
 */
import { MAPPERS } from '#node';
import { features } from './features.ts';
import { topologyPools } from './topology-pools.ts';
import { duration, flag, integer, matching, name, oneOf, powerOfTwo, type Read, size } from './values.ts';

export interface ParameterRow {
  readonly read: Read<unknown>;
  /** For the docs: what may stand there, what counts when nothing does, what it does. */
  readonly form: string;
  readonly otherwise: string;
  readonly says: string;
  readonly mutable?: true;
}

/** librbd's own bounds of an object: order 12 to 25. */
const OBJECT_MIN = 2n ** 12n;
const OBJECT_MAX = 2n ** 25n;
/** The kernel client follows no more parents than this. */
const DEPTH_MAX = 16;

export const PARAMETERS = {
  cluster: {
    read: name,
    form: 'a name',
    otherwise: 'the only configured cluster',
    says: 'The logical cluster, as the cluster configuration names it.',
  },
  pool: {
    read: name,
    form: 'a name',
    otherwise: 'required, unless `topologyPools` is given',
    says: 'The pool that holds the images.',
  },
  namespace: { read: name, form: 'a name', otherwise: 'the default namespace', says: 'The RADOS namespace in the pool.' },
  dataPool: {
    read: name,
    form: 'a name',
    otherwise: 'the pool itself',
    says: 'A pool of its own for the data, such as an erasure-coded one (with `allow_ec_overwrites`).',
  },
  topologyPools: {
    read: topologyPools,
    form: 'JSON: `[{"pool", "dataPool", "segments"}]`',
    otherwise: 'every node reaches the pool',
    says: 'Pools by topology: a volume goes to the first one whose segments a wanted topology has, or stays where an earlier call made it. Takes the place of `pool` and `dataPool`.',
  },
  objectSize: {
    read: powerOfTwo(OBJECT_MIN, OBJECT_MAX),
    form: 'a power of two, `4Ki` to `32Mi`',
    otherwise: '`4Mi`',
    says: "The size of an image's objects.",
  },
  stripeUnit: {
    read: size,
    form: 'a size that divides `objectSize`',
    otherwise: 'no striping',
    says: 'Bytes written to one object before the next; with `stripeCount`.',
  },
  stripeCount: {
    read: integer(1, 1024),
    form: 'a number, 1 to 1024',
    otherwise: 'no striping',
    says: 'Objects written in turn; with `stripeUnit`.',
  },
  features: {
    read: features,
    form: 'a list with commas',
    otherwise: '`layering,exclusive-lock,object-map,fast-diff,deep-flatten`',
    says: 'Features of the image. `object-map` and `journaling` need `exclusive-lock`; `fast-diff` needs `object-map`.',
  },
  encrypted: {
    read: flag,
    form: '`true` or `false`',
    otherwise: '`false`',
    says: 'Encrypts the volume on the nodes (LUKS2), with a key of its own: [encryption](encryption.md).',
  },
  encryptionKey: {
    read: name,
    form: 'a name',
    otherwise: 'the only configured encryption key',
    says: "The key-encryption key that wraps the volume's key; with `encrypted`.",
  },
  flatten: {
    read: flag,
    form: '`true` or `false`',
    otherwise: '`false`',
    says: 'Makes a restored or cloned volume independent of its source, in the background.',
  },
  mapper: {
    read: oneOf(MAPPERS),
    form: MAPPERS.map((mapper) => `\`${mapper}\``).join(', '),
    otherwise: 'the first that the node can use',
    says: 'What makes a block device of the image on a node: the kernel (`krbd`), rbd-nbd and a network block device (`nbd`), or qemu-storage-daemon and a loop device (`userspace`).',
  },
  mapOptions: {
    read: matching(/^[a-z][a-z0-9_]*=[A-Za-z0-9_.:|-]+(,[a-z][a-z0-9_]*=[A-Za-z0-9_.:|-]+)*$/, 'of the form name=value,name=value'),
    form: '`name=value,name=value`',
    otherwise: 'none',
    says: 'Options of the mapper, below. Refused when the mapper does not have them, or none has where none is named: then a node whose mapper lacks them refuses the volume, so name the mapper too.',
  },
  mkfsOptions: {
    read: matching(/^[A-Za-z0-9^=,._:+ -]+$/, 'a list of plain options and values'),
    form: 'options and their values, with blanks between',
    otherwise: 'none',
    says: 'Options of the program that makes the file system, of those that shape it: for ext4 `-b -C -E -g -G -i -I -J -L -m -N -O -r -T -U`, for xfs `-b -d -i -l -L -m -n -s -K`.',
  },
  deleteRetention: {
    read: duration,
    form: 'a duration: `0`, `30m`, `24h`, `7d`',
    otherwise: '`0`',
    says: 'How long a deleted volume can be brought back.',
    mutable: true,
  },
  mirrorPolicy: {
    read: name,
    form: 'a name',
    otherwise: 'none',
    says: 'The MirrorPolicy that the volumes of the class are mirrored by; the operator reads it, see [disaster recovery](disaster-recovery.md).',
  },
  maxCloneDepth: {
    read: integer(0, DEPTH_MAX),
    form: `a number, 0 to ${DEPTH_MAX}`,
    otherwise: '`5`',
    says: 'Deeper clones are made independent of their parent, in the background; 0 means never.',
    mutable: true,
  },
} as const satisfies Record<string, ParameterRow>;

export type ParameterKey = keyof typeof PARAMETERS;

/** What a class says, each value read; a key that it does not give is not there. */
export type ParameterValues = { readonly [Key in ParameterKey]?: ReturnType<(typeof PARAMETERS)[Key]['read']> };

/** librbd's limits of one image; they hold where librbd does the I/O. */
export const QOS_KEY = /^rbd_qos_(read_|write_)?(iops|bps)_(limit|burst)$/;
