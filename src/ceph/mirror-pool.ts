/**
 * Mirroring of a pool (and namespace), as the object `rbd_mirroring` has it: read by methods of the OSD's object class in
 * one round trip, where librbd takes several for each image.
 */
import { findAnswer, optional } from './class-method.ts';
import { type Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

const MIRRORING = 'rbd_mirroring';
const LEADER = 'rbd_mirror_leader';
/** Images in one answer. */
const PAGE = 512;
/** Bytes of one image's statuses: two descriptions, each with the JSON of a replayer. */
const STATUS_ROOM = 4096;

/** Numbers as Ceph has them: rbd_mirror_mode_t, rbd_mirror_peer_direction_t. */
export interface MirrorPool {
  readonly mode: number;
  /** '' before mirroring was ever on. */
  readonly mirrorUuid: string;
  readonly peers: readonly MirrorPeer[];
}

export interface MirrorPeer {
  readonly uuid: string;
  readonly siteName: string;
  readonly user: string;
  readonly direction: number;
  readonly mirrorUuid: string;
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
}

export interface MirrorImageEntry {
  readonly globalId: string;
  /** rbd_mirror_image_state_t */
  readonly state: number;
  /** rbd_mirror_image_mode_t */
  readonly mode: number;
  readonly statuses: readonly MirrorStatus[];
}

export interface MirrorStatus {
  /** '' for this site's own. */
  readonly mirrorUuid: string;
  /** rbd_mirror_image_status_state_t */
  readonly state: number;
  readonly description: string;
  readonly at: number;
  readonly up: boolean;
}

/**
 * One round trip.
 *
 * Implements: cls_rbd mirror_mode_get, mirror_uuid_get and mirror_peer_list on `rbd_mirroring`.
 */
export async function readMirrorPool(io: IoContext): Promise<MirrorPool> {
  using operation = new ReadOperation(io);
  const none = Buffer.alloc(0);
  const mode = operation.exec('rbd', 'mirror_mode_get', none);
  const uuid = operation.exec('rbd', 'mirror_uuid_get', none);
  const peers = operation.exec('rbd', 'mirror_peer_list', none, 16 * 1024);
  try {
    await operation.run(MIRRORING);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { mode: 0, mirrorUuid: '', peers: [] };
    throw error;
  }
  return {
    mode: optional(mode)?.u32() ?? 0,
    mirrorUuid: optional(uuid)?.string() ?? '',
    peers: optional(peers)?.list((decoder) => decoder.struct(decodePeer)) ?? [],
  };
}

function decodePeer(body: Decoder): MirrorPeer {
  const [uuid, siteName, user] = [body.string(), body.string(), body.string()];
  body.s64(); // a pool id of old
  const direction = body.u8();
  return { uuid, siteName, user: user.replace(/^client\./, ''), direction, mirrorUuid: body.string(), lastSeen: body.time() };
}

/**
 * All mirrored images by their ids, with what daemons last said of each. One round trip for each 512.
 *
 * Implements: cls_rbd mirror_image_status_list on `rbd_mirroring`.
 */
export async function listMirrorImages(io: IoContext): Promise<Map<string, MirrorImageEntry>> {
  const all = new Map<string, MirrorImageEntry>();
  for (let after = ''; ; ) {
    const input = new Encoder().string(after).u64(BigInt(PAGE));
    const question = { method: 'mirror_image_status_list', input, room: PAGE * STATUS_ROOM };
    const decoder = await findAnswer(io, MIRRORING, question);
    if (decoder === undefined) return all;
    const images = decoder.map((one) => one.struct(decodeImage));
    const statuses = decoder.map((one) => one.struct(decodeStatuses));
    for (const [id, image] of images) all.set(id, { ...image, statuses: statuses.get(id) ?? [] });
    const last = [...images.keys()].at(-1);
    if (last === undefined || images.size < PAGE) return all;
    after = last;
  }
}

function decodeImage(body: Decoder): Omit<MirrorImageEntry, 'statuses'> {
  return { globalId: body.string(), state: body.u8(), mode: body.u8() };
}

/** The site's own status, whether it is one, and those of others, each behind its mirror uuid. */
function decodeStatuses(body: Decoder): MirrorStatus[] {
  const own = decodeStatus('', body);
  const isValid = body.u8() !== 0;
  const others = body.list((decoder) => decodeStatus(decoder.string(), decoder));
  return isValid ? [own, ...others] : others;
}

function decodeStatus(mirrorUuid: string, body: Decoder): MirrorStatus {
  return { mirrorUuid, state: body.u8(), description: body.string(), at: body.time(), up: body.u8() !== 0 };
}

/**
 * Which image id a global id has, which state and mode: the entry alone, without statuses. One round trip.
 *
 * Implements: cls_rbd mirror_image_get on `rbd_mirroring`.
 */
export async function findMirrorImage(io: IoContext, id: string): Promise<Omit<MirrorImageEntry, 'statuses'> | undefined> {
  const answer = await findAnswer(io, MIRRORING, { method: 'mirror_image_get', input: new Encoder().string(id) });
  return answer?.struct(decodeImage);
}

/**
 * Client numbers of the mirror daemons that serve the pool. One round trip.
 *
 * Implements: cls_rbd mirror_instances_list on `rbd_mirror_leader`.
 */
export async function listMirrorDaemons(io: IoContext): Promise<readonly string[]> {
  const answer = await findAnswer(io, LEADER, { method: 'mirror_instances_list', room: 16 * 1024 });
  return answer?.list((decoder) => decoder.string()) ?? [];
}
