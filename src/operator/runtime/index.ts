/**
 * What an operator stands on: a copy of the objects of a kind (reflector.ts), keys that wait (key-queue.ts), the loop around a
 * reconciler (controller.ts), one leader among several (leader.ts). It knows Kubernetes and no business of ours.
 */
export { KubeApi } from './api.ts';
export { type Condition, type Found, mergeConditions } from './conditions.ts';
export { Controller, camelCase, type Pass, type Reconciler, type Report } from './controller.ts';
export { EventRecorder, type Told } from './events.ts';
export { KeyQueue } from './key-queue.ts';
export { isKube, KubeError } from './kube-error.ts';
export { LEASES, Leader, type LeaseTimes } from './leader.ts';
export { apiVersionOf, type Kind, type KubeObject, keyOf, nameOf, type ObjectMeta, type ObjectName } from './objects.ts';
export { type Outcome, settled, waiting } from './outcome.ts';
export { Reflector } from './reflector.ts';
export { writeStatus } from './status-writer.ts';
export { Transport } from './transport.ts';
