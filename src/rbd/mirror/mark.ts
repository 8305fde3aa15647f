/**
 * Which policy mirrors an image: the metadata key `loligo.mirror` of the image, so that it is read with the header, at no cost.
 *   M1  it counts only when its `name` is the image's own: clones and copies inherit their parent's metadata;
 *   M2  it is written before mirroring is switched on and removed after it is off, so a mirrored volume of ours has it;
 *   M3  it travels with the image: at the other site it says the same.
 */
import type { Place } from '#lib/handle';
import { field, parseJson } from '#lib/json';
import type { PolicyRef } from './specs.ts';

export const MIRROR_MARK = 'loligo.mirror';
const VERSION = 1;

export function formatMark(image: string, { policy, home }: PolicyRef): string {
  return JSON.stringify({ v: VERSION, name: image, policy, pool: home.pool, namespace: home.namespace });
}

/** Undefined for an image without a mark of its own (M1). */
export function readMark(metadata: ReadonlyMap<string, string>, image: string): PolicyRef | undefined {
  const parsed = parseJson(metadata.get(MIRROR_MARK) ?? '');
  const [policy, pool, namespace] = ['policy', 'pool', 'namespace'].map((name) => field(parsed, name));
  if (field(parsed, 'name') !== image || typeof policy !== 'string') return undefined;
  if (typeof pool !== 'string' || typeof namespace !== 'string') return undefined;
  const home: Place = { pool, namespace };
  return { policy, home };
}
