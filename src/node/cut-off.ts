/**
 * A node whose client Ceph has cut off (a fence) learns of it by errors alone: each read of each of its devices fails at once,
 * and does so for ever. A device that only waits for Ceph gives no answer, which is not the same.
 */
import { Failure } from '#lib/failure';
import { LIMITS } from './limits.ts';
import type { Device } from './mapper.ts';
import { run } from './run.ts';
import { errnoOfText } from './strerror.ts';

/** `errors`: a read of the first block failed; `silent`: it did not end in time. */
export type Reading = 'works' | 'errors' | 'silent';

export async function tryReading(device: Device): Promise<Reading> {
  const args = [`if=${device.path}`, 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct', 'status=none'];
  try {
    const { exit, stderr } = await run('dd', args, { limit: LIMITS.stats, accept: [0, 1] });
    if (exit === 0) return 'works';
    return errnoOfText(stderr) === 'EIO' ? 'errors' : 'silent';
  } catch (error) {
    if (error instanceof Failure) return 'silent';
    throw error;
  }
}
