import type { KeyedLock } from '#lib/keyed-lock';
import type { Scope } from '#lib/scope';
import type { Logger, Metrics } from '#observability';

/**
 * One RPC in two halves: what is wanted (pure, throws `invalid`, looks nothing up), and doing it. The wrapper takes
 * the locks between them.
 */
export interface Rpc<Context, Request, Want, Answer> {
  read(request: Request, context: Context): Want;
  run(context: Context, want: Want, scope: Scope): Promise<Answer>;
}

/** The same for an RPC that answers with a stream; each page of it gets a scope of its own. */
export interface StreamRpc<Context, Request, Want, Answer> {
  read(request: Request, context: Context): Want;
  run(context: Context, want: Want, nextScope: () => Scope): AsyncIterable<Answer>;
}

/** Holding nothing is a decision too, so it carries its reason. */
export interface Unlocked {
  readonly unlocked: string;
}

export type Locks<Want> = ((want: Want) => readonly string[]) | Unlocked;

/** What surrounds every call. */
export interface Host {
  readonly log: Logger;
  readonly locks: KeyedLock;
  readonly metrics: Pick<Metrics, 'operationSeconds' | 'operationsInFlight'>;
  /** Milliseconds that one call may take when its caller would wait longer, or for ever. */
  readonly maxCallMs: number;
}
