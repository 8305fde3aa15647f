/**
 * MirrorPolicy. Start reading at reconcile.ts: look.ts looks at both sites, plan.ts says which steps follow, act.ts takes them,
 * status.ts says what is so.
 */
export { MirrorReconciler, type MirrorSettings } from './reconcile.ts';
export type { ClusterObjects, PersistentVolume, StorageClass } from './select.ts';
export type { SiteEngine, Sites } from './sites.ts';
