/** What is built or fetched for tests outlives checkouts: LOLIGO_CACHE, else `loligo` in the user's cache folder. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const CACHE = resolve(
  process.env['LOLIGO_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'loligo'),
);
