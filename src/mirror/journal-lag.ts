import type { ImageFacts } from './facts.ts';

/**
 * Seconds that a journal's replay is behind, as the daemon last said: with nothing left to replay then, what was written
 * since is all that can be missing. Undefined while it catches up: entries have no times.
 */
export function journalLag({ statuses }: ImageFacts, now: number): number | undefined {
  const status = statuses.find(({ mirrorUuid }) => mirrorUuid === '');
  const behind = /"entries_behind_primary":(\d+)/.exec(status?.description ?? '')?.[1];
  return status !== undefined && behind === '0' ? Math.max(0, (now - status.at) / 1000) : undefined;
}
