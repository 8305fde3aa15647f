import type { Engine } from '#rbd';

/**
 * Operations that only look. One that is overdue or lost leaves nothing open in Ceph: its agent serves on for
 * a while, and needs no cutting off when it ends. (The first look at a place also notes whose client this is, `own-clients.ts`;
 * that may land whenever it likes.)
 */
export const READING: ReadonlySet<string> = new Set<keyof Engine>([
  'probe',
  'getVolume',
  'listVolumes',
  'publishedNodes',
  'capacity',
  'volumeHealth',
  'listVolumeHealth',
  'getSnapshot',
  'listSnapshots',
  'getGroupSnapshot',
  'changedBlocks',
  'findImage',
  'findPlaces',
  'countImages',
  'lostNodes',
  'volumeFacts',
  'mirrorFacts',
  'mirrorBehind',
  'mirrorSite',
  'mirrorTruth',
]);
