/** Brings a Kubernetes up for the commands of this project, with lines that a person can follow. */
import { buildPrograms } from '../test/support/kubernetes/binaries.ts';
import { buildImages } from '../test/support/kubernetes/images.ts';
import { Kube, type UpOptions } from '../test/support/kubernetes/kube.ts';
import { step } from './step.ts';

export async function upCluster(options: UpOptions = {}): Promise<Kube> {
  await buildPrograms(step);
  await buildImages(step);
  const began = performance.now();
  const progress = (done: string): void => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`  ${done.padEnd(44)} ok     ${seconds.padStart(6)} s`);
  };
  console.log('Kubernetes, and since when:');
  return await Kube.up({ ...options, progress });
}
