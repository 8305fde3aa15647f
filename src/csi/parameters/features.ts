import type { Feature } from '#rbd';
import { type Read, refused } from './values.ts';

/** Every image feature that a class may ask for, and those that it needs beside it. */
const NEEDS = {
  layering: [],
  striping: [],
  'exclusive-lock': [],
  'object-map': ['exclusive-lock'],
  'fast-diff': ['object-map'],
  'deep-flatten': [],
  journaling: ['exclusive-lock'],
} as const satisfies Record<Feature, readonly Feature[]>;

export const DEFAULT_FEATURES: readonly Feature[] = ['layering', 'exclusive-lock', 'object-map', 'fast-diff', 'deep-flatten'];

/** A list with commas; a feature without those it needs is refused here, for librbd would drop or add some silently. */
export const features: Read<readonly Feature[]> = (key, text) => {
  const words = text.split(',').map((word) => word.trim());
  const asked = words.map((word) => {
    if (!isFeature(word)) throw refused(key, `names a feature that is not one of: ${Object.keys(NEEDS).join(', ')}`);
    return word;
  });
  for (const feature of asked) {
    const lacking = NEEDS[feature].find((needed) => !asked.includes(needed));
    if (lacking !== undefined) throw refused(key, `has ${feature} without ${lacking}, which it needs`);
  }
  // Clones, and so restores, need it at every image.
  if (!asked.includes('layering')) throw refused(key, 'lacks layering, which snapshots and clones need');
  return [...new Set(asked)];
};

function isFeature(word: string): word is Feature {
  return Object.hasOwn(NEEDS, word);
}
