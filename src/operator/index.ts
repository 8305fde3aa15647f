/**
 * Front door 2: Kubernetes objects of ours. `runtime/` is what any operator stands on, `resources/` describes our kinds,
 * and one folder a kind reconciles them.
 */
export * from './resources/index.ts';
