import type { Scope } from '#lib/scope';

/** A scope whose log lines nobody reads. */
export function aScope(seconds = 120): Scope {
  const quiet = () => {};
  return { deadline: Date.now() + seconds * 1000, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };
}
