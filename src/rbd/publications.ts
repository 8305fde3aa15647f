/**
 * Where volumes are published: the omap object `loligo.published` of a place, one key for each published image. It is
 * a fact of the site and is not mirrored.
 *   U1  a key's value is the whole list of the image's publications, and changes by compare-and-set only;
 *   U2  a key without an image is rubbish: deleting a volume takes its key along first.
 */
import { type IoContext, isErrno, WriteOperation } from '#ceph';

export const PUBLISHED = 'loligo.published';

export async function dropPublications(io: IoContext, image: string): Promise<void> {
  using operation = new WriteOperation(io);
  operation.assertExists().removeKey(image);
  try {
    await operation.run(PUBLISHED);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
