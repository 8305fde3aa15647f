/**
 * What is staged and gives only errors: its process has ended and cannot be replaced, its file system was given up by the kernel,
 * or Ceph has cut its client off. It is taken down whole, to be made anew, and only while no target path shows it:
 *
 *  - A container keeps the mount that it was started with, whatever is unmounted here, and the kernel keeps the device as
 *    long: the pod has to go first. Nothing that it writes arrives any more, so nothing is lost by waiting for it.
 *  - A target that is unmounted under a pod shows the node's own disk to its next container.
 *  - A device number that is free again is the next volume's, and a pod with a block volume still has a node of that number.
 */
import { Failure } from '#lib/failure';
import { tryReading } from './cut-off.ts';
import type { Staged } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Mount } from './mount-table.ts';
import { findMount, findMountOf, unmountAll } from './mounts.ts';
import { run } from './run.ts';
import { readTargets } from './stash.ts';

export interface Releasing extends Staged {
  /** Those that the volume is mounted with. */
  readonly mountFlags: readonly string[];
  /** Another pod is to have it; else one that has it goes on with what still works. */
  readonly isAgain: boolean;
}

/** Does nothing for what works. Throws `in-use` while pods still have what does not. */
export async function releaseBroken(staged: Releasing): Promise<void> {
  const { dir, stash, mapper, mapped } = staged;
  if (mapped.state === 'none' || (mapped.state === 'dead' && mapper.heal !== undefined)) return;
  const mount = stash.access === 'mount' ? await findMountOf(mapped.device, stash.stagingPath) : undefined;
  const isFailing = mapped.state === 'dead' || (await tryReading(mapped.device)) === 'errors';
  if (!isFailing && (mount === undefined || !(await isGivenUp(staged, mount)))) return;

  const paths = await publishedAt(dir);
  if (paths.length > 0) {
    if (mapped.state === 'alive' && !staged.isAgain) return;
    const why = mapped.state === 'dead' ? mapped.why : 'the device gives errors, or the kernel has given up the file system';
    const message = `${why}, and the volume is made anew once no pod has it any more; it is still published at ${paths.join(', ')}`;
    throw new Failure('in-use', 'DEAD_STILL_PUBLISHED', message);
  }
  if (mount !== undefined) await unmountAll(stash.stagingPath);
  await mapper.unmap(dir);
}

/** The kernel gives a file system up after an error: everything fails then, or every write, until it is mounted anew. */
export async function isGivenUp({ stash, mountFlags }: Pick<Releasing, 'stash' | 'mountFlags'>, mount: Mount): Promise<boolean> {
  if (mount.givenUp) return true;
  if (mount.superReadonly) return !stash.readonly && !mountFlags.includes('ro');
  if (mount.type !== 'xfs') return false;
  const { exit } = await run('stat', ['--format=', '--', mount.path], { limit: LIMITS.stats, accept: [0, 1] });
  return exit !== 0;
}

/** The target paths that show the volume. */
export async function publishedAt(dir: string): Promise<readonly string[]> {
  const targets = await readTargets(dir);
  const mounts = await Promise.all(targets.map(({ path }) => findMount(path)));
  return mounts.filter((mount) => mount !== undefined).map(({ path }) => path);
}
