/** NodeGetVolumeStats: asked every minute for every volume, so it may cost little and must never hang. */
import { Failure } from '#lib/failure';
import type { NodeHost } from './host.ts';
import { LIMITS } from './limits.ts';
import { run } from './run.ts';
import { getVolumeAt, type VolumeAt } from './volume-at.ts';

export interface Usage {
  readonly total: bigint;
  readonly used: bigint;
  readonly available: bigint;
}

export type VolumeStats =
  | { readonly access: 'block'; readonly total: bigint }
  | { readonly access: 'mount'; readonly bytes: Usage; readonly inodes: Usage };

/** A program asks the file system and can be left behind when that hangs; a thread of ours could not. */
export async function volumeStats(host: NodeHost, at: VolumeAt): Promise<VolumeStats> {
  const { device, path, fsType } = await getVolumeAt(host, at);
  if (fsType === '') return { access: 'block', total: device.size };
  const { stdout } = await run('stat', ['--file-system', '--format=%S %b %f %a %c %d', '--', path], { limit: LIMITS.stats });
  const [unit, blocks, free, available, files, filesFree] = stdout.toString('utf8').trim().split(' ').map(BigInt);
  if (unit === undefined || blocks === undefined || free === undefined || available === undefined) throw unreadable(path);
  if (files === undefined || filesFree === undefined) throw unreadable(path);
  return {
    access: 'mount',
    bytes: { total: blocks * unit, used: (blocks - free) * unit, available: available * unit },
    inodes: { total: files, used: files - filesFree, available: filesFree },
  };
}

function unreadable(path: string): Failure {
  return new Failure('unfinished', 'STATS_UNREADABLE', `the file system at ${path} gave no numbers`);
}
