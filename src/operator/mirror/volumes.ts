/** Volumes in groups, as steps are taken on them. */
import { formatImage, formatPlace, type Place } from '#lib/handle';
import type { VolumeSeen } from './observation.ts';

export interface InPlace {
  readonly place: Place;
  readonly images: readonly string[];
  readonly volumes: readonly VolumeSeen[];
}

export function byPlace(volumes: readonly VolumeSeen[]): readonly InPlace[] {
  const groups = Object.values(Object.groupBy(volumes, ({ place }) => formatPlace(place)));
  return groups.flatMap((inPlace = []) => {
    const place = inPlace[0]?.place;
    return place === undefined ? [] : [{ place, images: inPlace.map(({ image }) => image), volumes: inPlace }];
  });
}

/** How a volume is named to people. */
export function firstOf({ place, image }: Pick<VolumeSeen, 'place' | 'image'>): string {
  return formatImage({ ...place, image });
}
