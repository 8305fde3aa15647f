/** `mapOptions` of a StorageClass: `name=value,name=value`. Each mapper says which names it has. */
import { Failure } from '#lib/failure';
import type { MapOptions } from './mapper.ts';

export function readMapOptions(text: string): MapOptions {
  const pairs = text
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [, name, value] = /^([a-z][a-z0-9_]*)=([A-Za-z0-9_.:|-]+)$/.exec(pair) ?? [];
      if (name === undefined || value === undefined) {
        throw new Failure('invalid', 'MAP_OPTION_INVALID', 'mapOptions: not of the form name=value,name=value');
      }
      return [name, value] as const;
    });
  return Object.fromEntries(pairs);
}
