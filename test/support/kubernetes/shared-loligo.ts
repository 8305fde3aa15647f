/** The Loligo of this test run, for a file of stories that leave nothing behind. */
import { after } from 'node:test';
import type { Kube } from './kube.ts';
import { Loligo } from './loligo.ts';
import { sharedKube } from './shared-kube.ts';

/** Installs it as the bed has it, where it is not; the file fails when a volume is left at its end. */
export async function sharedLoligo(): Promise<{ readonly kube: Kube; readonly loligo: Loligo }> {
  const kube = sharedKube();
  const loligo = await Loligo.install(kube);
  after(() => loligo.untilEmpty());
  return { kube, loligo };
}
