/**
 * MIRRORING'S MEANING: what the facts of two sites say together, as pure code: no Ceph, no clock. The engine finds the facts
 * (`src/rbd/mirror`), front doors decide by what is said here. Start reading at `facts.ts`, then `compare.ts`.
 */
export * from './compare.ts';
export type * from './facts.ts';
export * from './judge-force.ts';
export type { PromoteVerdict } from './judge-promote.ts';
export { type MirrorPoint, rememberPoints } from './points.ts';
export type * from './truth.ts';
