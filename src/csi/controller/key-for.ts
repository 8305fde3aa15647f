import { randomBytes } from 'node:crypto';
import { DATA_KEY_BYTES } from '#keys';
import { formatVolume } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { ImageRef } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { VolumeWanted } from './read-volume-spec.ts';

/**
 * The wrapped key that a volume is made with, '' for one that is not encrypted: the one that it has when it is there
 * already, its source's wrapped anew, or a new one. It is stored with the volume's record, so before any node can write.
 */
export async function keyFor({ clusters, keys }: Controller, want: VolumeWanted, scope: Scope): Promise<string> {
  const { cluster, spec, encryptionKey } = want;
  if (encryptionKey === undefined) return '';
  const engine = clusters.engineAt(cluster, want.credentials);
  const found = await engine.findKey({ volume: placeOf(spec), source: spec.source }, scope);
  const handle = formatVolume({ cluster, ...spec });
  const from = found && formatVolume({ cluster, ...found.volume });
  if (found !== undefined && from === handle) return found.key;

  const dataKey = found === undefined ? randomBytes(DATA_KEY_BYTES) : await keys.unwrap(found.key, from ?? handle);
  try {
    return await keys.wrap(encryptionKey, dataKey, handle);
  } finally {
    dataKey.fill(0);
  }
}

function placeOf({ pool, namespace, image }: ImageRef): ImageRef {
  return { pool, namespace, image };
}
