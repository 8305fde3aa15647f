/** What all operations of the node role work with: nothing else is reached from inside them. */
import { formatVolume, type VolumeHandle } from '#lib/handle';
import type { Device, Mapped, Mapper } from './mapper.ts';
import { volumeDir } from './paths.ts';
import { readStash, type Stash } from './stash.ts';

export interface NodeHost {
  /** A directory of our own that outlives restarts, on the node's disk; its path short enough for a socket below it. */
  readonly stateDir: string;
  /** In the order of preference. */
  readonly mappers: readonly Mapper[];
}

export function dirOf(host: NodeHost, volume: VolumeHandle): string {
  return volumeDir(host.stateDir, formatVolume(volume));
}

/** What is held while a volume is worked on in this process, by calls and by who heals. */
export function volumeLock(handle: string): string {
  return `volume ${handle} on this node`;
}

export interface Staged {
  readonly dir: string;
  readonly stash: Stash;
  readonly mapper: Mapper;
  readonly mapped: Mapped;
}

/** What this node has of the volume now; `undefined` when nothing was ever wanted of it. */
export async function findStaged(host: NodeHost, volume: VolumeHandle): Promise<Staged | undefined> {
  const dir = dirOf(host, volume);
  const stash = await readStash(dir);
  const mapper = host.mappers.find(({ name }) => name === stash?.mapper);
  if (stash === undefined || mapper === undefined) return undefined;
  return { dir, stash, mapper, mapped: await mapper.find(dir) };
}

/** The device when it works. */
export function deviceOf(mapped: Mapped): Device | undefined {
  return mapped.state === 'alive' ? mapped.device : undefined;
}

/** The device that any of the mappers has for the volume, working or dead. */
export async function anyDeviceOf(host: NodeHost, dir: string): Promise<Device | undefined> {
  for (const mapper of host.mappers) {
    const mapped = await mapper.find(dir);
    if (mapped.state !== 'none') return mapped.device;
  }
  return undefined;
}
