/** The program as an administrator runs it, beside a driver whose cluster configuration it reads. */
import { join } from 'node:path';
import { Driver } from '../support/driver.ts';
import { runProgram } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');

/** What every volume of these tests is asked with. */
export const VOLUME = {
  capacityRange: { requiredBytes: '8388608' },
  volumeCapabilities: [{ mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } }],
};

export async function aDriver(): Promise<Driver> {
  const ceph = sharedCeph();
  const key = (await ceph.ceph('auth', 'print-key', 'client.admin')).trim();
  const clusters = { prod: { monitors: ceph.monitors, user: 'admin', key } };
  return await Driver.start({ role: 'controller', clusters, options: { 'creator-lifetime': '3' } });
}

export function loligo(driver: Driver, ...args: readonly string[]): Promise<string> {
  return runProgram(process.execPath, [PROGRAM, ...args, '--clusters', join(driver.dir, 'clusters.json')]);
}
