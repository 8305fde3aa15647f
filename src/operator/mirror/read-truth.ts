import { Failure } from '#lib/failure';
import type { Scope } from '#lib/scope';
import type { PolicyRef, SeenTruth } from '#rbd';
import type { SiteEngine } from './sites.ts';

/** A pool in which nothing of ours was ever made holds no truth yet; writing one makes it ours. */
export async function readTruth(engine: SiteEngine, ref: PolicyRef, scope: Scope): Promise<SeenTruth> {
  try {
    return await engine.mirrorTruth(ref, scope);
  } catch (error) {
    if (error instanceof Failure && error.reason === 'POOL_NOT_OURS') return { truth: undefined, revision: '' };
    throw error;
  }
}
