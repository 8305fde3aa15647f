/** `floor.c`, compiled when this machine has a compiler and librbd's headers. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type MicroCeph, ProgramError, RUN, runProgram } from '../../test/support/micro-ceph.ts';
import type { Where } from './acts.ts';

/** Creates so many images and gives the rate a second. */
export type CreateFromC = (series: string, count: number, atOnce: number) => Promise<number>;

export async function compileFloor(ceph: MicroCeph, { pool, namespace }: Where): Promise<CreateFromC | undefined> {
  if (!existsSync('/usr/include/rbd/librbd.h')) return undefined;
  mkdirSync(RUN, { recursive: true });
  const program = join(RUN, 'floor');
  try {
    await runProgram('cc', ['-O2', '-o', program, join(import.meta.dirname, 'floor.c'), '-lrbd', '-lrados', '-lpthread']);
  } catch (error) {
    if (error instanceof ProgramError) return undefined;
    throw error;
  }
  return async (series, count, atOnce) => {
    const seconds = await runProgram(program, [ceph.conf, pool, namespace, series, String(count), String(atOnce)]);
    return count / Number(seconds);
  };
}
