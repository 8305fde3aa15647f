/**
 * PromoteVolume. The controller of CSI-Addons repeats it with force, by itself, as soon as it is answered FAILED_PRECONDITION:
 * a planned move whose last writes are still on their way would lose them. So no answer here has that code, and force is never
 * done: that a loss is accepted is said by a person (`rbd mirror image promote --force`), after which the volume is primary and
 * this answers OK.
 */
import { Failure, isUnsettled } from '#lib/failure';
import type { Scope } from '#lib/scope';
import type { VolumeAsked } from '../controller/read-volume.ts';
import type { PromoteVolumeRequest, PromoteVolumeResponse } from '../generated/replication-messages.ts';
import type { Rpc } from '../rpc.ts';
import { lookAtBoth, type Replication, readReplicated, refuseOfPolicy, type Seen, settle } from './replicated-volume.ts';

interface Wanted extends VolumeAsked {
  readonly force: boolean;
}

export const promoteVolume: Rpc<Replication, PromoteVolumeRequest, Wanted, PromoteVolumeResponse> = {
  read: (request) => ({ ...readReplicated(request), force: request.force }),

  async run(replication, want, scope) {
    try {
      return await promote(replication, want, scope);
    } catch (error) {
      throw neverFinal(error);
    }
  },
};

async function promote(replication: Replication, want: Wanted, scope: Scope): Promise<PromoteVolumeResponse> {
  const seen = await lookAtBoth(replication, want, scope);
  const detail = seen.mine?.detail;
  if (detail === undefined) {
    throw new Failure('busy', 'REPLICATION_NOT_ENABLED', `${seen.name} is not mirrored here, or its copy is being made`);
  }
  if (detail.standing.role === 'primary' && !detail.halfMoved) return {};
  refuseOfPolicy(seen);
  if (want.force) {
    const message = `${seen.name} is not promoted by force: a person has to accept what is lost, with rbd mirror image promote --force`;
    throw new Failure('busy', 'FORCE_NOT_ACCEPTED', message);
  }
  const { pool, namespace, image } = want.ref;
  const images = [{ image, demotion: demotionOf(seen) }];
  settle(await seen.own.promoteImages({ place: { pool, namespace }, images }, scope));
  return {};
}

/** What proves that nothing is lost; a promotion that was begun and killed has nothing to prove any more. */
function demotionOf({ mine, comparison, peerSilent, name }: Seen): string {
  if (mine?.detail?.halfMoved === true) return '';
  if (peerSilent !== undefined) {
    const message = `${name}: the other site does not say what it has: ${peerSilent.message}`;
    throw new Failure('unreachable', 'PEER_SILENT', message, { cause: peerSilent });
  }
  const verdict = comparison.promote.here;
  if (verdict.safe) return verdict.demotion;
  throw new Failure('busy', 'PROMOTE_NOT_SAFE', `${name} is not promoted: ${verdict.why}; its last writes may not be here`);
}

/** No FAILED_PRECONDITION, whatever it was: see above. */
function neverFinal(error: unknown): unknown {
  if (!(error instanceof Failure) || isUnsettled(error)) return error;
  const { kind, reason, message } = error;
  return kind === 'precondition' || kind === 'in-use' ? new Failure('busy', reason, message, { cause: error }) : error;
}
