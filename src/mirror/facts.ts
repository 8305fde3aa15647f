/**
 * What one site says of mirroring, as plain data. What two sites' facts mean together is in compare.ts.
 * Times are milliseconds since the epoch; those of snapshots are by the clock of the site that took them.
 */
import type { Place } from '#lib/handle';

export type MirrorMode = 'snapshot' | 'journal';

/** What Ceph does with a pool (and namespace): nothing, images one by one, or every image that has a journal. */
export type PoolMirrorMode = 'disabled' | 'image' | 'pool';

export type PeerDirection = 'rx' | 'tx' | 'rx-tx';

/** A peer as the site's own pool has it. */
export interface PeerSite {
  /** Of this entry; another one at each site. */
  readonly uuid: string;
  readonly siteName: string;
  readonly direction: PeerDirection;
  /** How the peer's pool calls itself; '' until a daemon has spoken to it. */
  readonly mirrorUuid: string;
  /** The user with which the daemon here connects to the peer, without `client.`; '' for one that only sends. */
  readonly user: string;
  /** When the peer's daemon was last seen here; 0 for never. */
  readonly lastSeen: number;
}

/**
 * One demotion, the same text at both sites: which pool (by its mirror uuid) demoted the image, and in which state. Equal
 * marks are the only proof that nothing was written in between: an un-forced promote by itself is none.
 */
export type DemotionMark = string;

/** What the image is here, by what Ceph itself decides it from: the newest mirror snapshot, or the journal's newest tag. */
export type Standing =
  | { readonly role: 'primary' }
  /** Another site's copy. `peer` is the mirror uuid of the pool that it is a copy of, '' while that is not known. */
  | { readonly role: 'secondary'; readonly peer: string }
  /** Primary nowhere, as far as this site knows: demoted here, or the peer's demotion arrived. */
  | {
      readonly role: 'demoted';
      readonly by: 'this-site' | 'peer';
      readonly mark: DemotionMark;
      /** All that was written before the demotion is here. */
      readonly complete: boolean;
      /**
       * Of this site's own demotion: that of the peer which its time as primary began with, whole. Absent where it began otherwise, or
       * nobody can tell.
       */
      readonly since?: DemotionMark;
    };

/** A snapshot that mirroring took or copied. */
export interface MirrorSnapshot {
  /** Decimal. */
  readonly id: string;
  readonly state: 'primary' | 'primary-demoted' | 'non-primary' | 'non-primary-demoted';
  readonly at: number;
  readonly complete: boolean;
  /** Peers (by their entries' uuids) that have still to copy it; of a primary one. */
  readonly waitingPeers: readonly string[];
  /** Of a non-primary one: the mirror uuid of the pool, and the id of the snapshot there, whose state it is. */
  readonly primaryMirrorUuid: string;
  readonly primarySnapshotId: string;
  /** Objects copied so far; of one that is not complete. */
  readonly copiedObjects: number;
}

/** What a daemon last said of an image, at most half a minute old while it lives, and history afterwards. */
export interface DaemonStatus {
  /** '' for this site's own daemon, else the mirror uuid of the peer that reported it. */
  readonly mirrorUuid: string;
  /** False when the daemon that said it is gone. */
  readonly up: boolean;
  readonly state: 'unknown' | 'error' | 'syncing' | 'starting-replay' | 'replaying' | 'stopping-replay' | 'stopped';
  /** Ceph's words; `replaying, {json}` while it replays. For people: nothing is decided by them but split-brain. */
  readonly description: string;
  readonly at: number;
}

/** What is known of every mirrored image of a pool without looking at the image. */
export interface ImageSummary {
  readonly image: string;
  /** Changes by a resync. */
  readonly id: string;
  /** The same at both sites. */
  readonly globalId: string;
  readonly mode: MirrorMode;
  /** `disabling` after a disable that was cut off. */
  readonly state: 'enabled' | 'disabling';
  readonly statuses: readonly DaemonStatus[];
}

/** What is read from the image itself: exact, and one round trip (two when its snapshots changed since the last look). */
export interface ImageDetail {
  readonly standing: Standing;
  /** Bytes. */
  readonly size: bigint;
  /** Newest first; none in journal mode. */
  readonly snapshots: readonly MirrorSnapshot[];
  /** A resync was asked for and the daemon has not yet thrown the image away. */
  readonly resyncAsked: boolean;
  /** The parent that a clone still needs: it has to be mirrored first. */
  readonly parent: { readonly id: string; readonly place: Place } | undefined;
  /** The policy that the image is marked with, '' for none. */
  readonly policy: string;
  /**
   * The newest snapshot says that it is primary, and its header that nobody may write: a promote or demote was killed between the two.
   * Ceph's own promote refuses it ("already primary"); ours finishes it.
   */
  readonly halfMoved: boolean;
  /** The other way round: not primary, and nothing keeps clients from writing. A demote closes it. */
  readonly exposed: boolean;
}

export interface ImageFacts extends ImageSummary {
  /** Undefined where only the summary was asked for. */
  readonly detail: ImageDetail | undefined;
}

export interface PoolFacts {
  /** Of the cluster. */
  readonly fsid: string;
  /** When it was read, by this machine's clock. */
  readonly at: number;
  readonly mode: PoolMirrorMode;
  /** How this pool calls itself to its peers; '' before mirroring was ever on. */
  readonly mirrorUuid: string;
  readonly peers: readonly PeerSite[];
  /** Client numbers of the mirror daemons that serve this pool here. */
  readonly daemons: readonly string[];
  /** By image name. */
  readonly images: readonly ImageFacts[];
}
