/** What is measured on both sides: the same acts on the same kind of image. */

export const ACTS = ['create', 'snapshot', 'restore', 'clone', 'expand', 'delete'] as const;
export type Act = (typeof ACTS)[number];

/** Bytes of a volume, and of one that was expanded. */
export const SIZE = 2n ** 30n;
export const LARGER = 2n ** 31n;

export interface Round {
  readonly act: Act;
  /** Distinguishes the images of one series from another's; the images of a series are `<series>-<index>`. */
  readonly series: string;
  readonly count: number;
  readonly atOnce: number;
  /** Index of the first image; 0 when not given. */
  readonly first?: number;
}

export interface Where {
  readonly pool: string;
  readonly namespace: string;
}

/** Makes and drops what acts need: the same names on both sides. */
export const nameOf = (series: string, index: number): string => `${series}-${index}`;
export const snapshotOf = (series: string, index: number): string => `${series}-${index}-s`;
export const restoredOf = (series: string, index: number): string => `${series}-${index}-restored`;
export const cloneOf = (series: string, index: number): string => `${series}-${index}-clone`;
