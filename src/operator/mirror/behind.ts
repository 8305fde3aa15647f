/** How many bytes the other site lacks, volume by volume. Each answer costs operations, so it is asked now and then, and a few at once. */
import { formatPlace } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import type { Scope } from '#lib/scope';
import type { VolumeSeen } from './observation.ts';
import type { SiteEngine } from './sites.ts';

const EVERY_MS = 15_000;
const AT_ONCE = 8;
/** Of one pass. */
const VOLUMES = 32;

export class BytesBehind {
  readonly #known = new Map<string, { readonly bytes: bigint | undefined; readonly at: number }>();

  /** Asks for those that were asked for longest ago. What cannot be told is no failure of the pass. */
  async look(engine: SiteEngine, volumes: readonly VolumeSeen[], scope: Scope): Promise<void> {
    const names = new Set(volumes.map(keyOf));
    for (const key of this.#known.keys()) if (!names.has(key)) this.#known.delete(key);
    const now = Date.now();
    const due = volumes
      .map((volume) => ({ volume, at: this.#known.get(keyOf(volume))?.at ?? 0 }))
      .filter(({ volume, at }) => volume.comparison.copied !== undefined && now - at >= EVERY_MS)
      .toSorted((a, b) => a.at - b.at)
      .slice(0, VOLUMES);
    await inParallel(due, AT_ONCE, async ({ volume }) => {
      const bytes = await bytesOf(engine, volume, scope);
      this.#known.set(keyOf(volume), { bytes, at: now });
    });
  }

  /** Undefined while it is not known of each of them: a sum that leaves something out would be a promise. */
  sum(volumes: readonly VolumeSeen[]): bigint | undefined {
    let sum = 0n;
    for (const volume of volumes) {
      const bytes = this.#known.get(keyOf(volume))?.bytes;
      if (bytes === undefined || volume.comparison.copied === undefined) return undefined;
      sum += bytes;
    }
    return sum;
  }
}

async function bytesOf(engine: SiteEngine, { place, image, comparison }: VolumeSeen, scope: Scope): Promise<bigint | undefined> {
  try {
    const since = comparison.copied?.snapshotId ?? '';
    return (await engine.mirrorBehind({ volume: { ...place, image }, since }, scope)).bytes;
  } catch (error) {
    scope.log.debug({ image, err: error }, 'what is behind could not be told');
    return undefined;
  }
}

function keyOf({ place, image }: VolumeSeen): string {
  return `${formatPlace(place)}/${image}`;
}

/** To read: `0`, `640Ki`, `1.2Gi`. */
export function formatBytes(bytes: bigint): string {
  let [size, unit] = [Number(bytes), 0];
  for (; size >= 1024; size /= 1024) unit += 1;
  return `${Number(size.toFixed(size < 10 ? 1 : 0))}${['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'][unit] ?? 'Ei'}`;
}
