/**
 * Front door 2: Kubernetes objects of ours. `runtime/` is what any operator stands on, `resources/` describes our kinds,
 * and one folder a kind reconciles them.
 */
export type { Sites } from './mirror/index.ts';
export { MirrorOperator } from './mirror-operator.ts';
export { NodeWatch } from './nodes/node-watch.ts';
export { applyPlan, hereOf, planVolumes, readCopies, type Terms, type VolumePlan } from './objects/index.ts';
export * from './resources/index.ts';
export { isKube, KubeApi, Leader, Transport } from './runtime/index.ts';
