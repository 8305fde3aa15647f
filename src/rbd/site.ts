/**
 * One connection to the Ceph behind a logical cluster, and the places (pool and namespace) in it that are ours.
 */
import { type Cluster, hasNamespace, type ImageHeader, type IoContext, isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { formatPlace, type Place } from '#lib/handle';
import { MadeOnce } from '#lib/made-once';
import { InternalSnapshots } from './internal-snapshots.ts';
import { SnapshotGuesses } from './mirror/standing.ts';
import { forgetOwnClient, noteOwnClient } from './own-clients.ts';
import { findOwner, markPlace } from './pool-mark.ts';

/** Who we are at the site that is connected. */
export interface Identity {
  /** The logical cluster. */
  readonly cluster: string;
  /** The physical site. */
  readonly site: string;
  /** Which Loligo, when several share a pool; only what carries this name is ever reaped. */
  readonly instance: string;
  /** Seconds after which nobody can still be at work on an image that was left half-made. */
  readonly creatorLife: number;
}

export class Site {
  readonly cluster: Cluster;
  readonly identity: Identity;
  /** When a half-made image without any date was first seen, by place and name. */
  readonly firstSeen = new Map<string, number>();
  readonly checkedDataPools = new Set<string>();
  /** Pools that librbd has prepared for images. */
  readonly validatedPools = new Set<string>();
  readonly internalSnapshots = new InternalSnapshots();
  readonly mirrorSnapshots = new SnapshotGuesses();
  readonly #marked = new MadeOnce<IoContext>();

  constructor(cluster: Cluster, identity: Identity) {
    this.cluster = cluster;
    this.identity = identity;
  }

  /** True while whoever began something then (milliseconds since the epoch) may still be at it. */
  mayBeUnderWay(since: number): boolean {
    return Date.now() - since < this.identity.creatorLife * 1000;
  }

  /** A place that is ours. Throws `precondition` when the pool is missing, unmarked, or another cluster's. */
  async open(place: Place): Promise<IoContext> {
    return await this.#once(place, async (io) => {
      const owner = await findOwner(io);
      if (owner === undefined) throw unmarked(place, this.identity.cluster);
      return owner;
    });
  }

  /** A place to make something in: an unmarked one becomes ours. Throws `precondition` as `open`, and for a missing namespace. */
  async openToMake(place: Place): Promise<IoContext> {
    // A look that began a moment ago may be about to find no mark, and is not to be joined.
    await this.#marked.find(formatPlace(place))?.catch(() => undefined);
    return await this.#once(place, async (io) => (await findOwner(io)) ?? (await this.#mark(io)));
  }

  async #mark(io: IoContext): Promise<string> {
    if (!(await hasNamespace(io))) throw namespaceMissing(io);
    return await markPlace(io, this.identity.cluster);
  }

  /** A place as it is, for what belongs to nobody: data pools, parents. */
  async openAny(place: Place): Promise<IoContext> {
    try {
      return await this.cluster.open(place.pool, place.namespace);
    } catch (cause) {
      if (isErrno(cause, 'ENOENT')) {
        throw poolMissing(place, cause);
      }
      throw cause;
    }
  }

  /**
   * Forgets the places whose pool or namespace was removed, and says of one of them which: one of that name that was made
   * since is looked at anew.
   */
  async forgetRemoved(cause: unknown): Promise<Failure | undefined> {
    let removed: Failure | undefined;
    for (const [key, opening] of this.#marked.entries()) {
      const io = await opening.catch(() => undefined);
      const missing = io && (await this.#findMissing(io, cause));
      if (missing === undefined) continue;
      this.#marked.forget(key);
      removed = missing;
    }
    return removed;
  }

  async #findMissing(io: IoContext, cause: unknown): Promise<Failure | undefined> {
    if (!(await this.cluster.hasPool(io.poolId))) return poolMissing(io, cause);
    // Where that cannot be seen now, it says nothing, and what was being explained stays as it is.
    const isThere = await hasNamespace(io).catch(() => true);
    return isThere ? undefined : namespaceMissing(io, cause);
  }

  /**
   * The name of the pool that an image's data lies in, '' when that is the image's own. One that was deleted has no name any
   * more, and no pool has what is given for it: such a volume can still be listed, and deleted.
   */
  async dataPoolOf({ dataPoolId }: Pick<ImageHeader, 'dataPoolId'>): Promise<string> {
    if (dataPoolId === undefined) return '';
    try {
      return await this.poolName(dataPoolId);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return `${dataPoolId} (deleted)`;
      throw error;
    }
  }

  /** Pools can be renamed, so the map is asked each time: it is in memory. */
  async poolName(id: bigint): Promise<string> {
    return await this.cluster.poolName(id);
  }

  async #once(place: Place, readOwner: (io: IoContext) => Promise<string>): Promise<IoContext> {
    return await this.#marked.ensure(formatPlace(place), () => this.#check(place, readOwner));
  }

  async #check(place: Place, readOwner: (io: IoContext) => Promise<string>): Promise<IoContext> {
    const io = await this.openAny(place);
    const owner = await readOwner(io);
    if (owner !== this.identity.cluster) {
      const message = `${formatPlace(place)} belongs to cluster ${owner}, and is configured here as ${this.identity.cluster}`;
      throw new Failure('precondition', 'WRONG_CLUSTER', message);
    }
    await noteOwnClient(io);
    return io;
  }

  /** Before a connection is closed with nothing in progress on it: says in its places that it leaves nothing locked. */
  async leave(): Promise<void> {
    const places = this.#marked.entries().map(async ([, opening]) => await forgetOwnClient(await opening));
    await Promise.allSettled(places);
  }
}

export function poolMissing({ pool }: Pick<Place, 'pool'>, cause?: unknown): Failure {
  return new Failure('precondition', 'POOL_MISSING', `there is no pool ${pool}, or no longer the one that was`, { cause });
}

export function namespaceMissing({ pool, namespace }: Place, cause?: unknown): Failure {
  const message = `pool ${pool} has no RADOS namespace ${namespace}: rbd namespace create --pool ${pool} --namespace ${namespace}`;
  return new Failure('precondition', 'NAMESPACE_MISSING', message, { cause });
}

function unmarked(place: Place, cluster: string): Failure {
  const message = `${formatPlace(place)} carries no mark of Loligo: either nothing was made in it yet, or ${cluster} points at the wrong Ceph`;
  return new Failure('precondition', 'POOL_NOT_OURS', message);
}
