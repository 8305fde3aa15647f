/**
 * OSD and monitor fall silent in the middle of 100 calls; the agent dies or hangs. Each call is answered in time with a
 * code that leaves the outcome open and a cause, the rest of the driver goes on, and repetition finishes everything.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../support/csi-client.ts';
import { type Answered, anEntry, answerOf, aVolumeIn, DriverBed, isNotFinal, untilOk } from '../support/driver-bed.ts';
import { ForeignImages } from '../support/foreign-images.ts';
import { type Kind, MicroCeph } from '../support/micro-ceph.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const SOAK = process.env['LOLIGO_SOAK'] === '1';
const SILENCE = SOAK ? 60_000 : 14_000;
const DEADLINE = SOAK ? 30_000 : 6_000;
const OPTIONS = { 'creator-lifetime': '3', 'reap-interval': '5', ...(SOAK ? {} : { 'ceph-timeout': '2' }) };
const SILENT: readonly (readonly Kind[])[] = SOAK ? [['osd'], ['mon'], ['osd', 'mon']] : [['osd', 'mon']];
const CALLS = 100;
/** Milliseconds that any answer may come behind its deadline. */
const LATE = 1000;

/** Calls of every kind that changes something, on volumes that are there. */
class Crowd {
  readonly #bed: DriverBed;
  readonly #volumes: readonly string[];
  readonly #snapshots: readonly string[];

  private constructor(bed: DriverBed, volumes: readonly string[], snapshots: readonly string[]) {
    this.#bed = bed;
    this.#volumes = volumes;
    this.#snapshots = snapshots;
  }

  static async gather(bed: DriverBed): Promise<Crowd> {
    const names = Array.from({ length: 30 }, (_, index) => `there-${index}`);
    const volumes = await Promise.all(names.map((name) => bed.create(name)));
    const snapshots = await Promise.all(volumes.slice(0, 10).map((volume, index) => bed.snapshot(`snap-${index}`, volume)));
    return new Crowd(bed, volumes, snapshots);
  }

  /** The calls in a mixed order; each can be asked again until it is done. */
  calls(): readonly (readonly [method: string, request: object])[] {
    const volume = (index: number): string => this.#volumes[index % this.#volumes.length] ?? '';
    return Array.from({ length: CALLS }, (_, index) => {
      const which = Math.floor(index / 5);
      switch (index % 5) {
        case 0:
          return ['CreateVolume', this.#bed.volume(`new-${which}`)] as const;
        case 1:
          return ['CreateSnapshot', { name: `later-${which}`, sourceVolumeId: volume(which % 10) }] as const;
        case 2:
          return [
            'ControllerExpandVolume',
            { volumeId: volume(which % 10), capacityRange: { requiredBytes: String(2 ** 27) } },
          ] as const;
        case 3:
          return ['DeleteVolume', { volumeId: volume(10 + which) }] as const;
        default:
          return ['CreateVolume', this.#bed.volume(`clone-${which}`, fromSnapshot(this.#snapshots[which % 10] ?? ''))] as const;
      }
    });
  }
}

function fromSnapshot(snapshotId: string): object {
  return { volumeContentSource: { snapshot: { snapshotId } } };
}

/** Asks everything at once, a little apart, so that the silence falls into the middle. */
async function askAll(bed: DriverBed, crowd: Crowd): Promise<readonly Answered[]> {
  return await Promise.all(
    crowd.calls().map(async ([method, request], index) => {
      await sleep(index * 5);
      return await answerOf(bed.csi.call(method, request, { deadline: DEADLINE, patience: LATE }));
    }),
  );
}

/** Asks each call until it is done; gives what was never done. */
async function repeatAll(bed: DriverBed, crowd: Crowd): Promise<readonly string[]> {
  const never: string[] = [];
  const end = Date.now() + 90_000;
  await Promise.all(
    crowd.calls().map(async ([method, request]) => {
      for (;;) {
        const { status, details } = await answerOf(bed.csi.call(method, request, { deadline: 15_000 }));
        if (status === 'OK') return;
        if (!isNotFinal(status) || Date.now() > end) return never.push(details);
        await sleep(300);
      }
    }),
  );
  return never;
}

function checkAnswers(answers: readonly Answered[]): void {
  for (const { status, details, took } of answers) {
    assert.ok(took < DEADLINE + LATE, `answered after ${took.toFixed(0)} ms: ${details}`);
    if (status === 'OK') continue;
    assert.ok(isNotFinal(status), details);
    assert.match(details, /^\w+: \w+: [A-Z_]+: /, 'it names a cause');
  }
}

async function checkNothingLeft(bed: DriverBed, foreign: ForeignImages): Promise<void> {
  const snapshots: Message = await bed.csi.call('ListSnapshots', {});
  for (const { snapshot } of snapshots.entries) {
    await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId: snapshot.snapshotId }));
  }
  const volumes: Message = await bed.csi.call('ListVolumes', {});
  await Promise.all(volumes.entries.map((entry: Message) => bed.deleteInTime(entry.volume.volumeId)));
  assert.deepEqual(await leftoversAfter(bed.pool, 60, foreign.leftovers), []);
  await foreign.check();
}

/** What else the driver is asked meanwhile; gives what was refused or took long. */
async function askElsewhere(bed: DriverBed, volume: object, until: AbortSignal): Promise<readonly string[]> {
  const complaints: string[] = [];
  const ask = async (method: string, request: object): Promise<Answered> => {
    const answer = await answerOf(bed.csi.call(method, request, { deadline: 5000 }));
    if (answer.status !== 'OK' || answer.took > 3000) complaints.push(`${method}: ${answer.took.toFixed(0)} ms: ${answer.details}`);
    return answer;
  };
  while (!until.aborted) {
    await Promise.all([ask('GetPluginInfo', {}), ask('Probe', {})]);
    const { value } = await ask('CreateVolume', volume);
    await ask('DeleteVolume', { volumeId: value?.volume.volumeId });
    await sleep(500);
  }
  return complaints;
}

describe('a driver of two clusters, one of which falls silent', () => {
  let ceph: MicroCeph;
  before(async () => {
    ceph = await MicroCeph.start();
  });
  after(async () => {
    await ceph.stop();
  });

  for (const kinds of SILENT) {
    test(`${kinds.join(' and ')} silent in the middle of ${CALLS} calls: all are answered in time, and done when it speaks again`, async (t) => {
      await using pool = await ceph.freshPool();
      await using otherPool = await sharedCeph().freshNamespace();
      const clusters = { elsewhere: await anEntry(otherPool.ceph) };
      const foreign = await ForeignImages.layIn(pool);
      await using bed = await DriverBed.open(pool, { options: OPTIONS, clusters });
      const crowd = await Crowd.gather(bed);
      const over = new AbortController();

      const answers = askAll(bed, crowd);
      await sleep(150);
      for (const kind of kinds) ceph.pause(kind);
      const elsewhere = askElsewhere(bed, { name: 'v', ...aVolumeIn('elsewhere', otherPool) }, over.signal);
      await sleep(SILENCE / 2);
      const during = askAll(bed, crowd);
      await sleep(SILENCE / 2);
      over.abort();
      await resumeAll(ceph, kinds);
      const never = await repeatAll(bed, crowd);

      const all = [...(await answers), ...(await during)];
      checkAnswers(all);
      assert.deepEqual(await elsewhere, []);
      assert.deepEqual(never, []);
      await checkNothingLeft(bed, foreign);
      t.diagnostic(tally(all));
    });
  }

  test('an OSD that is away for a second costs no agent and no entry in the blocklist', async () => {
    await using pool = await ceph.freshPool();
    await using bed = await DriverBed.open(pool, { options: OPTIONS });
    const volumeId = await bed.create('v');
    await sleep(4500); // an agent serves two operation time-outs before it may be replaced
    const agents = bed.driver.agents();
    const before = await ceph.ceph('osd', 'blocklist', 'ls');

    ceph.pause('osd');
    const late = await answerOf(bed.csi.call('ControllerGetVolume', { volumeId }, { deadline: 1000 }));
    process.kill(ceph.pid('osd') ?? 0, 'SIGCONT');
    await sleep(3000);
    const { status } = await answerOf(bed.csi.call('ControllerGetVolume', { volumeId }));

    assert.notEqual(late.status, 'OK');
    assert.equal(status, 'OK');
    const now = bed.driver.agents(); // the reaper's may have come meanwhile
    assert.deepEqual(
      agents.filter((agent) => !now.includes(agent)),
      [],
    );
    assert.equal(await ceph.ceph('osd', 'blocklist', 'ls'), before);
    await bed.delete(volumeId);
  });
});

/** All first: a cluster is not healthy while one of them is silent. */
async function resumeAll(ceph: MicroCeph, kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds) process.kill(ceph.pid(kind) ?? 0, 'SIGCONT');
  for (const kind of kinds.toReversed()) await ceph.resume(kind);
}

function tally(answers: readonly Answered[]): string {
  const reasons = answers.map(({ status, details }) => `${status} ${details.split(': ')[2] ?? ''}`.trim());
  const counts = Map.groupBy(reasons, (reason) => reason);
  const slowest = Math.max(...answers.map(({ took }) => took));
  return `${[...counts].map(([reason, all]) => `${reason} ${all.length}`).join(', ')}; slowest ${slowest.toFixed(0)} ms`;
}

describe('a driver whose agent', { concurrency: true }, () => {
  for (const [what, signal] of [
    ['is killed', 'SIGKILL'],
    ['hangs', 'SIGSTOP'],
  ] as const) {
    test(`${what} in the middle of ${CALLS} calls: all are answered in time, and another agent does them`, async (t) => {
      await using pool = await sharedCeph().freshNamespace();
      const foreign = await ForeignImages.layIn(pool);
      await using bed = await DriverBed.open(pool, { options: OPTIONS });
      const crowd = await Crowd.gather(bed);

      const answers = askAll(bed, crowd);
      await sleep(250);
      const victims = bed.driver.agents();
      for (const pid of victims) process.kill(pid, signal);
      const all = await answers;
      const never = await repeatAll(bed, crowd);
      const left = await untilGone(victims);

      checkAnswers(all);
      assert.ok(victims.length > 0);
      assert.deepEqual(never, []);
      await checkNothingLeft(bed, foreign);
      assert.deepEqual(left, [], 'an agent that hung was never killed');
      t.diagnostic(tally(all));
    });
  }
});

/** Waits until the processes have ended; gives those that have not after a minute. */
async function untilGone(pids: readonly number[]): Promise<readonly number[]> {
  const alive = (): readonly number[] => pids.filter((pid) => existsSync(`/proc/${pid}`));
  for (const end = Date.now() + 60_000; alive().length > 0 && Date.now() < end; ) await sleep(200);
  return alive();
}
