/**
 * The objects of others that stand for a volume: what of them travels with its image (facts.ts), and how they are built from it
 * again (plan.ts, build.ts: pure; apply.ts).
 */
export { applyPlan, servesSnapshots } from './apply.ts';
export { isLabelKey } from './checks.ts';
export { type Facts, factsOf, formatFacts, isWrong, RECLAIM_POLICY, readFacts } from './facts.ts';
export * from './kinds.ts';
export { type Action, planVolumes, type Refusal, type Terms, type VolumePlan } from './plan.ts';
export { readCopies } from './read-copies.ts';
