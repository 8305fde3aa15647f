/** For a program that does not say why it cannot open an image: the daemon is asked to open it, and says. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '#lib/failure';
import type { DaemonKeeper } from '../keeper/keeper.ts';
import { librbdConf } from '../librbd-conf.ts';
import { LIMITS } from '../limits.ts';
import type { MapSpec } from '../mapper.ts';
import { startDaemon, stopDaemon } from './daemon.ts';
import { addNode, addSecret, imageOptions, NO_FILES } from './image-node.ts';
import { FILES } from './volume-files.ts';

/** Undefined when the daemon opens it, or there is none. */
export async function whyNotOpened(keeper: DaemonKeeper, dir: string, spec: MapSpec): Promise<Failure | undefined> {
  try {
    await writeFile(join(dir, 'ceph.conf'), librbdConf(spec, NO_FILES), { mode: 0o600 });
    using qmp = await startDaemon(keeper, dir, LIMITS.map);
    await addSecret(qmp, spec.connection.key);
    await addNode(qmp, 'look', { ...imageOptions(dir, spec), 'read-only': true });
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.kind === 'unfinished' || error.reason === 'PROGRAM_MISSING' ? undefined : error;
    throw error;
  } finally {
    await stopDaemon(keeper, dir);
    for (const name of FILES) await rm(join(dir, name), { force: true });
  }
}
