/** NodeUnstageVolume: everything that staging made is taken down, found by what is there and not by what is remembered. */
import { Failure } from '#lib/failure';
import type { VolumeHandle } from '#lib/handle';
import { checkpoint, type Scope } from '#lib/scope';
import { anyDeviceOf, dirOf, type NodeHost } from './host.ts';
import { findMount, findMountOf, unmountAll } from './mounts.ts';
import { checkPath } from './paths.ts';
import { dropStash, dropTarget, readStash, readTargets } from './stash.ts';

/**
 * Repeatable; done when the volume is not staged at the path. Works with Ceph away as long as nothing waits to be written
 * to it; else `unfinished`, and what waits is never dropped.
 */
export async function unstage(
  host: NodeHost,
  { volume, stagingPath }: { volume: VolumeHandle; stagingPath: string },
  scope: Scope,
) {
  const path = checkPath('staging_target_path', stagingPath);
  const dir = dirOf(host, volume);
  const stash = await readStash(dir);
  if (stash !== undefined && stash.stagingPath !== path) return;

  await refusePublished(dir);
  const device = await anyDeviceOf(host, dir);
  if (stash?.access === 'mount' && (await findMountOf(device, path)) !== undefined) await unmountAll(path);
  checkpoint(scope);
  // Without a stash (S1) nothing is mapped, unless the state was lost: then every mapper looks.
  for (const mapper of host.mappers) {
    if (stash === undefined || stash.mapper === mapper.name) await mapper.unmap(dir);
  }
  await dropStash(dir);
  scope.log.info({ volume: stash?.handle ?? '' }, 'volume is unstaged');
}

async function refusePublished(dir: string): Promise<void> {
  for (const { path } of await readTargets(dir)) {
    if ((await findMount(path)) !== undefined) {
      throw new Failure('in-use', 'STILL_PUBLISHED', `the volume is still published at ${path}`);
    }
    await dropTarget(dir, path);
  }
}
