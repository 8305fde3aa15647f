/**
 * THE BINDING to librados and librbd: one connection, its I/O contexts, objects, images, snapshots, trash and groups.
 * One C call or one round trip per function, no policy, no retries, no logging. Only the engine (`src/rbd`) and the
 * agent's process use it. Start reading at `cluster.ts`; `native/` is all that knows koffi.
 */
export * from './cluster.ts';
export * from './directory.ts';
export { CephError, isErrno, orGone } from './errors.ts';
export * from './group.ts';
export * from './image.ts';
export * from './image-header.ts';
export type { ImageOptions } from './image-options.ts';
export * from './image-snapshots.ts';
export type { IoContext } from './io-context.ts';
export * from './journal-tags.ts';
export * from './lock.ts';
export * from './metadata.ts';
export * from './mirror-flag.ts';
export * from './mirror-header.ts';
export * from './mirror-image.ts';
export * from './mirror-peer.ts';
export * from './mirror-pool.ts';
export * from './namespace.ts';
export { type CallObserver, Native } from './native/native.ts';
export type { FunctionName } from './native/signatures.ts';
export * from './new-image.ts';
export * from './object.ts';
export * from './object-map.ts';
export { findKey, listKeys, WriteOperation } from './operation.ts';
export * from './snapshot.ts';
export * from './trash.ts';
export * from './watched.ts';
