import type { DemotionMark, ImageFacts, PoolFacts, Standing } from './facts.ts';

/** Whether an un-forced promote at one side loses nothing; `why` is a stable word. */
export type PromoteVerdict =
  | { readonly safe: true; readonly demotion: DemotionMark; readonly how: 'move' | 'take-back' }
  | {
      readonly safe: false;
      readonly why:
        | 'AlreadyPrimary'
        | 'NotSeen'
        | 'PeerNotSeen'
        | 'PeerPrimary'
        /** Not demoted, or its demotion is not yet here: ask again. */
        | 'DemotionNotPropagated'
        /** What is here is another demotion than the peer's newest: to be replayed first, or a split-brain. */
        | 'DemotionStale'
        /**
         * The peer went on from the demotion that is here, and was demoted before this site began to replay. No daemon copies that: the
         * peer has to be promoted again, and demoted once it is replayed.
         */
        | 'NotReplayed';
    };

interface Side {
  readonly pool: PoolFacts | undefined;
  readonly image: ImageFacts | undefined;
}

/**
 * Safe is what marks prove: the peer demoted the image, and that very demotion is whole here; or this site did, and the
 * peer has nothing newer than that, so it may be taken back.
 */
export function judgePromote(target: Side, other: Side): PromoteVerdict {
  const [mine, theirs] = [target.image?.detail?.standing, other.image?.detail?.standing];
  if (mine === undefined) return no('NotSeen');
  if (mine.role === 'primary') return no('AlreadyPrimary');
  if (other.pool === undefined || (other.image !== undefined && theirs === undefined)) return no('PeerNotSeen');
  if (theirs?.role === 'primary') return no('PeerPrimary');
  if (mine.role === 'secondary') return no('DemotionNotPropagated');
  return mine.by === 'peer' ? judgeMove(mine, theirs) : judgeTakeBack(mine, theirs, target.pool);
}

type Demoted = Extract<Standing, { readonly role: 'demoted' }>;

function judgeMove(mine: Demoted, theirs: Standing | undefined): PromoteVerdict {
  if (theirs?.role !== 'demoted' || theirs.by !== 'this-site' || theirs.mark !== mine.mark) return no('DemotionStale');
  return mine.complete ? { safe: true, demotion: mine.mark, how: 'move' } : no('DemotionNotPropagated');
}

/** The peer's state is one that this site's own is made of: none, a copy of what was here, or the demotion that this site went on from. */
function judgeTakeBack(mine: Demoted, theirs: Standing | undefined, pool: PoolFacts | undefined): PromoteVerdict {
  const takeBack = { safe: true, demotion: mine.mark, how: 'take-back' } as const;
  if (theirs === undefined) return takeBack;
  const own = pool?.mirrorUuid;
  if (theirs.role === 'primary') return no('PeerPrimary');
  if (theirs.role === 'secondary') return theirs.peer === own ? takeBack : no('DemotionStale');
  if (theirs.by === 'peer') return isOf(theirs.mark, own) ? takeBack : no('DemotionStale');
  if (theirs.mark === mine.since) return takeBack;
  return theirs.since === mine.mark ? no('NotReplayed') : no('DemotionStale');
}

/** A mark begins with the mirror uuid of the pool that demoted. */
function isOf(mark: DemotionMark, mirrorUuid: string | undefined): boolean {
  return mirrorUuid !== undefined && mirrorUuid !== '' && mark.slice(0, mark.lastIndexOf('/')) === mirrorUuid;
}

function no(why: Extract<PromoteVerdict, { safe: false }>['why']): PromoteVerdict {
  return { safe: false, why };
}
