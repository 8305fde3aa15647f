import type { Scope } from '#lib/scope';

/** What an operation runs in. Long work tells by `progress` that it still moves; it has no deadline. */
export interface EngineScope extends Scope {
  progress(): void;
}
