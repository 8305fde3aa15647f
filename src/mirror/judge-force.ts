import { type Comparison, type SideFacts, standingOf } from './compare.ts';
import { copiedPoints } from './points.ts';

/** Whether a person's acceptance covers a forced promote; `why` is a stable word. */
export type ForceVerdict =
  | {
      readonly may: true;
      /** Seconds of writes that will be lost; undefined when nobody can tell, and that was accepted. */
      readonly loss: number | undefined;
    }
  | {
      readonly may: false;
      readonly why:
        | 'AlreadyPrimary'
        | 'NotSeen'
        /** The other site answers and has it primary: a planned move loses nothing. */
        | 'PeerIsPrimaryAndReachable'
        /** It was never copied whole. */
        | 'NothingWhole'
        | 'LossNotKnown'
        | 'LossAboveBound';
    };

export interface Acceptance {
  /** Seconds of writes that may be lost. */
  readonly upTo: number;
  /** Whether a loss that nobody can tell is accepted, too. */
  readonly unknown: boolean;
  /** The other site's clients are cut off, so that nothing more is written there. */
  readonly peerFenced: boolean;
}

interface Question {
  readonly target: SideFacts;
  readonly other: SideFacts;
  /** `lossIfForced` of the comparison of the two. */
  readonly loss: Comparison['lossIfForced'];
}

export function judgeForce({ target, other, loss }: Question, accepted: Acceptance): ForceVerdict {
  const standing = standingOf(target);
  if (standing === undefined) return no('NotSeen');
  if (standing.role === 'primary') return no('AlreadyPrimary');
  if (standingOf(other)?.role === 'primary' && !accepted.peerFenced) return no('PeerIsPrimaryAndReachable');
  const demoted = standing.role === 'demoted' && standing.complete;
  const whole =
    demoted || target.image?.mode === 'journal' || (target.image !== undefined && copiedPoints(target.image).length > 0);
  if (!whole) return no('NothingWhole');
  if (loss === undefined) return accepted.unknown ? { may: true, loss } : no('LossNotKnown');
  return loss <= accepted.upTo ? { may: true, loss } : no('LossAboveBound');
}

function no(why: Extract<ForceVerdict, { may: false }>['why']): ForceVerdict {
  return { may: false, why };
}
