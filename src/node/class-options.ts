/**
 * What of a StorageClass is read when a volume is staged, checked for whoever makes the class's volumes: they keep it for ever.
 */
import { Failure } from '#lib/failure';
import { checkOptions as checkKrbd } from './krbd/options.ts';
import { checkOptions as checkLibrbd } from './librbd-conf.ts';
import { readMapOptions } from './map-options.ts';
import type { MapOptions } from './mapper.ts';
import { readMkfsOptions } from './mkfs-options.ts';
import { type FsType, STANDARD_FS } from './mount-options.ts';

export interface ClassOptions {
  /** '' where each node chooses. */
  readonly mapper: MapperName | '';
  readonly mapOptions: string;
  readonly mkfsOptions: string;
  /** The file systems that the volume may be staged with; '' for the standard one. None for a block volume. */
  readonly fsTypes: readonly (FsType | '')[];
}

/** What a class may name. */
export const MAPPERS = ['krbd', 'nbd', 'userspace'] as const;
export type MapperName = (typeof MAPPERS)[number];

const CHECKS: Readonly<Record<MapperName, (options: MapOptions) => void>> = {
  krbd: checkKrbd,
  nbd: (options) => checkLibrbd('nbd', options),
  userspace: (options) => checkLibrbd('userspace', options),
};

/** Throws the `invalid` that `stage` would; where no mapper is named, when none of them takes the options. */
export function checkClassOptions({ mapper, mapOptions, mkfsOptions, fsTypes }: ClassOptions): void {
  const options = readMapOptions(mapOptions);
  const named = Object.entries(CHECKS).filter(([name]) => mapper === '' || mapper === name);
  const refusals = named.flatMap(([, check]) => refusalOf(() => check(options)));
  const [first] = refusals;
  if (first !== undefined && refusals.length === named.length) throw first;
  for (const type of fsTypes) readMkfsOptions(mkfsOptions, type === '' ? STANDARD_FS : type);
}

function refusalOf(check: () => void): readonly Failure[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof Failure) return [error];
    throw error;
  }
}
