import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import { inParallel } from '#lib/in-parallel';
import { checkpoint, type Scope } from '#lib/scope';
import { explain } from '../errno.ts';
import type { Place } from '../specs.ts';
import type { ImageOutcome } from './specs.ts';

/** Images at once. Each waits for a monitor's commit, and all that wait share it: 10 at once were 8 a second, 100 were 40. */
const AT_ONCE = 128;

interface Batch {
  readonly place: Place;
  readonly images: readonly string[];
  /** In words, for messages: `demoting`. */
  readonly doing: string;
}

/** Works on every image and says of each what came of it, in the order asked. Only what is a bug is thrown. */
export async function eachImage(
  { place, images, doing }: Batch,
  scope: Scope,
  work: (image: string) => Promise<void>,
): Promise<ImageOutcome[]> {
  const outcomes = new Map<string, ImageOutcome>();
  await inParallel(new Set(images), AT_ONCE, async (image) => {
    try {
      checkpoint(scope);
      await work(image);
      outcomes.set(image, { image, failure: undefined });
    } catch (error) {
      const failure = explain(error, `${doing} ${formatImage({ ...place, image })}`);
      if (!(failure instanceof Failure)) throw failure;
      const { kind, reason, message } = failure;
      outcomes.set(image, { image, failure: { kind, reason, message } });
    }
  });
  return images.flatMap((image) => outcomes.get(image) ?? []);
}
