/** Group snapshots are of one moment while somebody writes, and the writer does not notice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DriverBed, untilOk } from '../support/driver-bed.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { StagedBlocks } from '../support/staged-block.ts';
import { SLOT, SLOTS } from './number-layout.ts';
import { lastNumberOf, NumberWriter } from './numbers.ts';

const SETS = process.env['LOLIGO_SOAK'] === '1' ? 20 : 3;
const NAMES = ['a', 'b', 'c'] as const;

test(`${SETS} group snapshots of volumes that are written to in turn are each of one moment, and no write fails`, async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone', options: { 'reap-interval': '2', 'creator-lifetime': '3' } });
  await using staged = new StagedBlocks(bed);
  const small = { capacityRange: { requiredBytes: String(SLOTS * SLOT) } };
  const { parameters } = bed.volume('any') as { parameters: object }; // the bed's own request
  const layout = { ...small, parameters: { ...parameters, objectSize: String(SLOT) } };
  const volumes = await Promise.all(NAMES.map((name) => bed.create(name, layout)));
  const devices: string[] = [];
  for (const volume of volumes) devices.push(await staged.stage(volume));

  await using writer = new NumberWriter(devices);
  const groups: { groupSnapshotId: string; snapshots: { snapshotId: string; sourceVolumeId: string }[] }[] = [];
  for (let set = 1; set <= SETS; set += 1) {
    await writer.goesOn(); // It is held back while a set is taken.
    const wanted = { name: `set-${set}`, sourceVolumeIds: volumes };
    groups.push((await untilOk(() => bed.csi.call('CreateVolumeGroupSnapshot', wanted))).groupSnapshot);
  }
  await writer.goesOn();
  const written = await writer.stop();
  await staged.unstageAll();
  const cuts = await Promise.all(groups.map((group, set) => restore(group, `restored-${set + 1}`)));

  t.diagnostic(
    `${written.last} numbers, the longest write took ${written.longestMs} ms; cuts at ${cuts.map((cut) => cut.join('/')).join(', ')}`,
  );
  for (const cut of cuts) assert.ok(isMoment(cut), `${cut.join('/')} is no moment`);
  const firsts = [0, ...cuts.map(([first = 0]) => first), written.last];
  assert.deepEqual(
    firsts,
    [...new Set(firsts)].sort((x, y) => x - y),
    'each set is of a later moment than the one before',
  );

  for (const { groupSnapshotId } of groups) await untilOk(() => bed.csi.call('DeleteVolumeGroupSnapshot', { groupSnapshotId }));
  const images = await pool.images();
  for (const image of images) await bed.deleteInTime(bed.handle(image));
  assert.deepEqual(await leftoversAfter(pool, 30), []);

  /** The last numbers of a, b and c in volumes made of the group's members. */
  async function restore({ snapshots }: (typeof groups)[number], prefix: string): Promise<number[]> {
    return await Promise.all(
      volumes.map(async (volume, index) => {
        const member = snapshots.find(({ sourceVolumeId }) => sourceVolumeId === volume);
        assert.ok(member);
        const image = `${prefix}-${NAMES[index]}`;
        await bed.create(image, { ...layout, volumeContentSource: { snapshot: { snapshotId: member.snapshotId } } });
        return await lastNumberOf(pool, image);
      }),
    );
  }
});

/** Numbers were written to a, then b, then c: at any moment a is ahead of c by one at most, and b is between. */
function isMoment([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  return a >= b && b >= c && c >= a - 1;
}
