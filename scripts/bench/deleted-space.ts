/** How long after DeleteVolume's answer the space is really free. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf } from './acts.ts';
import type { Bed } from './bed.ts';
import { runLoad } from './load.ts';
import { digits } from './table.ts';

const VOLUMES = 8;

export async function measureDeletedSpace(bed: Bed): Promise<void> {
  const round = { series: 'filled', count: VOLUMES, atOnce: VOLUMES };
  await bed.ours.run({ ...round, act: 'create' });
  await runLoad(VOLUMES, 2, (index) =>
    bed.pool.rbd('bench', '--io-type', 'write', '--io-size', '4M', '--io-total', '64M', nameOf('filled', index)),
  );
  const objects = await dataObjects(bed);
  await bed.ours.run({ ...round, act: 'delete' });
  const began = performance.now();
  while ((await dataObjects(bed)) > 0) await sleep(100);
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `  ${VOLUMES} volumes with ${objects} objects of 4 MiB: no object left ${digits(seconds)} s after DeleteVolume's answer`,
  );
}

/** Seconds until nothing of ours is left in the trash. */
export async function untilSpaceIsFree(bed: Bed): Promise<number> {
  const began = performance.now();
  for (;;) {
    const entries = await bed.pool.rbdJson('trash', 'ls');
    if (Array.isArray(entries) && entries.every(({ name }) => !String(name).startsWith('ours-'))) break;
    await sleep(200);
  }
  return (performance.now() - began) / 1000;
}

async function dataObjects(bed: Bed): Promise<number> {
  const objects = await bed.pool.objects();
  return objects.filter((object) => object.startsWith('rbd_data.')).length;
}
