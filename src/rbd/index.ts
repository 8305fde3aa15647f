/**
 * THE ENGINE: what Loligo does with images, one operation per file, each a plain async function that runs in the
 * agent's process and can be asked again after any failure. Outside `agent/` and `bin/` only its types are used.
 * Start reading at `specs.ts` (what is asked and answered), then `create-volume.ts`.
 */
export { runOperation } from './engine.ts';
export { type Identity, Site } from './site.ts';
export type * from './specs.ts';
