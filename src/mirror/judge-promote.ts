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
        | 'DemotionStale';
    };

interface Side {
  readonly pool: PoolFacts | undefined;
  readonly image: ImageFacts | undefined;
}

/**
 * Safe is what equal marks prove: the peer demoted the image, and that very demotion is whole here; or this site did, and the
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

function judgeTakeBack(mine: Demoted, theirs: Standing | undefined, pool: PoolFacts | undefined): PromoteVerdict {
  const takeBack = { safe: true, demotion: mine.mark, how: 'take-back' } as const;
  if (theirs === undefined) return takeBack;
  if (theirs.role === 'demoted') return theirs.by === 'peer' && theirs.mark === mine.mark ? takeBack : no('DemotionStale');
  return theirs.role === 'secondary' && theirs.peer === pool?.mirrorUuid ? takeBack : no('DemotionStale');
}

function no(why: Extract<PromoteVerdict, { safe: false }>['why']): PromoteVerdict {
  return { safe: false, why };
}
