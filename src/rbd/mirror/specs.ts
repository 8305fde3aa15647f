/**
 * What the mirroring operations are asked and answer. Each acts at the one site that it is asked of; what the two sites'
 * facts mean together is `#mirror` (compare.ts), pure code that front doors may load.
 *
 * Batches: an operation on many images answers for each, so that one bad image does not hide the others. What could not be
 * begun before the deadline is an outcome too (`unfinished`). All are safe to repeat, also after a crash at any line.
 * Failures that concern the whole (pool missing, cluster silent) are thrown.
 */
import type { FailureKind } from '#lib/failure';
import type { ImageRef, Place } from '#lib/handle';
import type { DemotionMark, MirrorMode, PoolFacts, PoolMirrorMode, Truth } from '#mirror';

export interface ImageOutcome {
  readonly image: string;
  /** Undefined when the image is as asked, whether this call made it so or it was. */
  readonly failure: { readonly kind: FailureKind; readonly reason: string; readonly message: string } | undefined;
}

export interface ImagesSpec {
  readonly place: Place;
  /** Names. */
  readonly images: readonly string[];
}

/** Which policy an image is mirrored by, and where at each site that policy's truth lies. */
export interface PolicyRef {
  readonly policy: string;
  readonly home: Place;
}

export interface EnableSpec extends ImagesSpec {
  readonly mode: MirrorMode;
  /** What becomes of a parent that is not mirrored in the same mode: mirrored first, cut off by copying its data, or a refusal. */
  readonly parents: 'mirror' | 'flatten' | 'refuse';
  readonly policy: PolicyRef;
}

export interface DisableSpec extends ImagesSpec {
  /**
   * `with-copy` at the primary: Ceph then deletes the peer's copy. `keep-this` where the image is not primary: what is here
   * becomes a plain image; refused for one that was never copied whole.
   */
  readonly how: 'with-copy' | 'keep-this';
}

/** What an act was decided on: of two operators the one that was held still must not act on what is over. */
export interface Decided {
  readonly policy: PolicyRef;
  /** Of the intent that the truth at the site must hold, or of the truth itself where nothing is under way. */
  readonly epoch: number;
}

export interface DemoteSpec extends ImagesSpec {
  /** Undefined where no policy is behind it. */
  readonly decided?: Decided | undefined;
}

/** Why an un-forced promote loses nothing. The caller read the mark at the peer after that was demoted. */
export interface PromoteSpec {
  readonly place: Place;
  /** Undefined where no policy is behind it. */
  readonly decided?: Decided | undefined;
  readonly images: readonly {
    readonly image: string;
    /** The demotion that must be the newest state here, complete: the peer's own (a move), or this site's own (a move taken back before the peer was promoted). */
    readonly demotion: DemotionMark;
  }[];
}

export interface ForcePromoteSpec extends ImagesSpec {
  readonly policy: PolicyRef;
  /** The epoch of the forced intent that the truth at this site must hold; without it nothing is forced. */
  readonly epoch: number;
}

export interface ResyncSpec extends ImagesSpec {
  readonly policy: PolicyRef;
  /** The epoch of the winner; the truth at this site must name another site as primary, with at least this epoch. */
  readonly epoch: number;
}

export interface PeerUserSpec {
  /** Without `client.`. */
  readonly user: string;
  /** The pools that it may mirror; its key opens nothing else. */
  readonly pools: readonly string[];
}

export interface PeerUser {
  readonly user: string;
  readonly key: string;
}

export interface PeerSpec {
  readonly place: Place;
  readonly siteName: string;
  readonly direction: 'rx' | 'rx-tx';
  /** The fsid of the peer's cluster; refused when it is this one's. */
  readonly fsid: string;
  readonly monitors: readonly string[];
  readonly user: string;
  readonly key: string;
}

/** What peering needs to know beyond `PoolFacts`; one or two monitor commands. */
export interface SiteMirroring {
  readonly fsid: string;
  /** Ceph's default for it is the fsid. */
  readonly siteName: string;
  readonly monitors: readonly string[];
}

export interface SitePeeringSpec {
  readonly place: Place;
  readonly siteName: string;
  /** Seconds that a copy stays in the trash after its primary was deleted (`rbd_mirroring_delete_delay`). */
  readonly deleteDelay: number;
}

export interface TruthRef extends PolicyRef {}

/** A truth as it was read: `revision` is what a change of it compares with; '' where there is none yet. */
export interface SeenTruth {
  readonly truth: Truth | undefined;
  readonly revision: string;
}

export interface TruthChange extends TruthRef {
  /** Of the truth that the change was decided on. */
  readonly revision: string;
  readonly to: Truth;
}

/** The mirroring operations, by name. */
export interface Mirroring {
  /**
   * The facts of a pool. `exact` names the images to read themselves: all, none, or these. A summary alone is two round trips
   * for each 512 images; an exact look adds one for each image named, and one more when its snapshots changed.
   *
   * Implements (in effect): rbd_mirror_mode_get, rbd_mirror_uuid_get, rbd_mirror_peer_site_list,
   * rbd_mirror_image_global_status_list, rbd_mirror_image_get_info, rbd_snap_get_mirror_namespace. They open each image; this does not.
   */
  mirrorFacts(args: { readonly place: Place; readonly exact: 'all' | 'none' | readonly string[] }): Promise<PoolFacts>;
  /**
   * Bytes written at this site that are behind what the peer has whole (`since`: the id of the newest snapshot that it has), in
   * whole objects and so never too few. Of an image without fast-diff the answer is undefined. Two or three round trips.
   */
  mirrorBehind(args: { readonly volume: ImageRef; readonly since: string }): Promise<{ readonly bytes: bigint | undefined }>;

  /** rbd_mirror_site_name_get, and the monitors as the peer is told them. */
  mirrorSite(args: Record<never, never>): Promise<SiteMirroring>;
  /**
   * Site name, pool mode `image` and delete delay, each written where it differs. Throws MIRROR_POOL_MODE for a pool that mirrors
   * every journaled image, SITE_NAME_TAKEN for a cluster that another name was given while peers know it by that.
   * rbd_mirror_site_name_set, rbd_mirror_mode_set, rbd_pool_metadata_set.
   */
  ensureMirrorPool(spec: SitePeeringSpec): Promise<{ readonly mode: PoolMirrorMode; readonly mirrorUuid: string }>;
  /** Makes the user with which the PEER's daemon comes here, or mends its capabilities. `auth get-or-create`; needs a user who may. */
  ensurePeerUser(spec: PeerUserSpec): Promise<PeerUser>;
  /** Done also when there is none: after a rotation, the user of the key before. `auth del`. */
  dropPeerUser(args: { readonly user: string }): Promise<void>;
  /**
   * Makes the peer, adopts the one of that site, or mends it: name, user, direction, monitors, key. `changed` names what was not
   * as wanted. Throws MIRROR_PEER_FOREIGN when the pool has another peer, SAME_CLUSTER, SITE_NAME_TAKEN for a peer with our own name.
   * rbd_mirror_peer_site_add, _set_name, _set_client_name, _set_direction, _set_attributes.
   */
  ensurePeer(spec: PeerSpec): Promise<{ readonly uuid: string; readonly changed: readonly string[] }>;
  /** rbd_mirror_peer_site_remove. */
  dropPeer(args: { readonly place: Place; readonly uuid: string }): Promise<void>;

  /**
   * Reasons: MIRROR_PEER_MISSING (nobody could copy it; enabling now would leave an image that is never copied), MIRROR_MODE_DIFFERS
   * (a change of mode is disable and enable: a full copy), PARENT_NOT_MIRRORED, PARENT_IN_TRASH, NOT_PRIMARY, IMAGE_BUSY.
   * rbd_mirror_image_enable2.
   */
  enableMirroring(spec: EnableSpec): Promise<readonly ImageOutcome[]>;
  /** Done also where it is off, or there is no image. Reasons: NOT_PRIMARY, COPY_INCOMPLETE. rbd_mirror_image_disable. */
  disableMirroring(spec: DisableSpec): Promise<readonly ImageOutcome[]>;
  /** Reasons: NOT_PRIMARY, MIRROR_PEER_MISSING. Not for journal mode (MIRROR_MODE_DIFFERS). rbd_aio_mirror_image_create_snapshot. */
  takeMirrorSnapshots(spec: ImagesSpec): Promise<readonly ImageOutcome[]>;
  /**
   * Throws TRUTH_CHANGED where it was decided on something else. Reasons: IMAGE_IN_USE (names who has it open), LOCK_HOLDER_AWAY,
   * IMAGE_MOVING. Done for one that is not primary; what takes writes all the same is closed. rbd_aio_mirror_image_demote.
   */
  demoteImages(spec: DemoteSpec): Promise<readonly ImageOutcome[]>;
  /**
   * Promotes without force what the demotion has arrived of. Throws TRUTH_CHANGED where it was decided on something else. Reasons, all busy:
   * DEMOTION_NOT_PROPAGATED (not here yet), DEMOTION_STALE (what is here is another demotion than the one named, and promoting would lose
   * what was written since), IMAGE_MOVING; final: COPY_TORN. Done for one that is primary; one that was left half-way is finished. rbd_aio_mirror_image_promote.
   */
  promoteImages(spec: PromoteSpec): Promise<readonly ImageOutcome[]>;
  /**
   * Cuts off the mirror daemons of this site that watch these images, by their exact addresses, and says whom. A forced promote
   * waits for them without end while the peer is dead. Who else has an image open is left alone.
   */
  stopReplay(spec: ImagesSpec): Promise<{ readonly cutOff: readonly string[]; readonly stillWatching: readonly string[] }>;
  /** Lets daemons in again that `stopReplay` cut off. Done also for those that are not cut off. */
  allowReplay(args: { readonly addresses: readonly string[] }): Promise<void>;
  /**
   * Promotes whatever is here. Long: it ends when it ends, and is never broken off. Reasons: FORCE_NOT_INTENDED (the truth holds no
   * forced intent of that epoch to this site), REPLAYER_ATTACHED (busy), COPY_INCOMPLETE (no complete copy: nothing to promote), COPY_TORN
   * (an earlier forced promote was killed half-way, and what it left could not be cleared), IMAGE_IN_USE. Done for one that is primary.
   * rbd_aio_mirror_image_promote with force.
   */
  forcePromoteImages(spec: ForcePromoteSpec): Promise<readonly ImageOutcome[]>;
  /**
   * Throws this site's copy away and copies anew; refused for what is primary here or what the truth says to be so (NOT_SUPERSEDED).
   * The caller saw that the peer is primary and its daemon up. Asked for already is done. rbd_mirror_image_resync.
   */
  resyncImages(spec: ResyncSpec): Promise<readonly ImageOutcome[]>;

  /** The same for what no policy has: the daemon here has to say that it diverged (NOT_DIVERGED). */
  resyncDiverged(spec: ImagesSpec): Promise<readonly ImageOutcome[]>;

  /** One round trip. Throws TRUTH_UNREADABLE for what a newer Loligo wrote. */
  mirrorTruth(args: TruthRef): Promise<SeenTruth>;
  /** Changes it when it still is as it was read, and gives what it is afterwards. Throws `busy` TRUTH_CHANGED when somebody else was faster. */
  changeMirrorTruth(change: TruthChange): Promise<SeenTruth>;
  /** When the policy is gone. Done also when there is none. */
  dropMirrorTruth(args: TruthRef): Promise<void>;
}
