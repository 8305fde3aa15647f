/** What parent and agent say to each other over the channel of `fork`, serialised by V8 so that bigint passes. */
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure, type FailureKind } from '#lib/failure';

/** What an agent is told when it starts. The key travels here: neither argv nor the environment ever carry it. */
export interface Opening {
  readonly connection: ClusterConnection;
  readonly instance: string;
  /** Seconds; see `Identity.creatorLife`. */
  readonly creatorLife: number;
  /**
   * Seconds after which librados gives up one operation (`rados_osd_op_timeout`, `rados_mon_op_timeout`,
   * `client_mount_timeout`).
   */
  readonly operationTimeout: number;
  /** Operations at work at once; the others wait their turn in the agent. */
  readonly atOnce: number;
}

export type ToAgent =
  | { readonly say: 'open'; readonly opening: Opening }
  | { readonly say: 'call'; readonly id: number; readonly operation: string; readonly args: unknown; readonly deadline: number }
  /** What is the call waiting for? */
  | { readonly say: 'where'; readonly id: number }
  /** Cut off a dead agent, so that nothing it had in flight lands any more. */
  | { readonly say: 'fence'; readonly address: string }
  | { readonly say: 'end' };

export type FromAgent =
  | { readonly say: 'opened'; readonly address: string }
  | { readonly say: 'refused'; readonly failure: WireFailure }
  | { readonly say: 'answer'; readonly id: number; readonly value: unknown; readonly spoiled: boolean }
  | { readonly say: 'failure'; readonly id: number; readonly failure: WireFailure; readonly spoiled: boolean }
  | { readonly say: 'progress' }
  | { readonly say: 'waiting'; readonly id: number; readonly text: string }
  | { readonly say: 'fenced'; readonly address: string; readonly outcome: Fenced }
  | { readonly say: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly fields: object; readonly message: string };

/** What came of cutting off a dead agent; refused is what no repetition changes. */
export type Fenced = 'done' | 'refused' | 'failed';

export interface WireFailure {
  /** Undefined for what is no Failure: a bug, whose stack is the message. */
  readonly kind: FailureKind | undefined;
  readonly reason: string;
  readonly message: string;
}

export function packFailure(error: unknown): WireFailure {
  if (error instanceof Failure) return { kind: error.kind, reason: error.reason, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: undefined, reason: 'UNFORESEEN', message };
}

export function unpackFailure(packed: WireFailure): Error {
  return packed.kind === undefined ? new Error(packed.message) : new Failure(packed.kind, packed.reason, packed.message);
}
