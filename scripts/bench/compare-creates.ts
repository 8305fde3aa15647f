/** The judged number: CreateVolume beside rbd_create, run in turn so that a slow moment of the machine hits all. */
import { type Bed, servingPids } from './bed.ts';
import { compileFloor } from './c-floor.ts';
import { median, rate } from './load.ts';
import { cpuSeconds } from './processes.ts';
import { digits, showTable } from './table.ts';

const AT_ONCE = 8;

export async function compareCreates(bed: Bed, { runs, count }: { readonly runs: number; readonly count: number }): Promise<void> {
  const fromC = await compileFloor(bed.ceph, bed.pool.place);
  for (const side of [bed.ours, bed.plain]) await side.run({ act: 'create', series: `warm-${side.name}`, count, atOnce: AT_ONCE });
  const rows: { ours: number; plain: number; c: number }[] = [];
  const cpu = { ours: 0, plain: 0 };
  for (let run = 0; run < runs; run += 1) {
    const pids = servingPids(bed);
    const [oursBefore, plainBefore] = [cpuSeconds(pids), cpuSeconds([bed.plain.pid])];
    const ours = rate(await bed.ours.run({ act: 'create', series: `turn-${run}`, count, atOnce: AT_ONCE }));
    const plain = rate(await bed.plain.run({ act: 'create', series: `turn-plain-${run}`, count, atOnce: AT_ONCE }));
    const c = (await fromC?.(`turn-c-${run}`, count, AT_ONCE)) ?? Number.NaN;
    rows.push({ ours, plain, c });
    cpu.ours += cpuSeconds(pids) - oursBefore;
    cpu.plain += cpuSeconds([bed.plain.pid]) - plainBefore;
  }
  const thousands = (runs * count) / 1000;
  showTable(
    `Creates a second, ${AT_ONCE} at once, ${count} a run, in turn, warm`,
    ['run', 'Loligo', 'librbd', 'librbd from C', 'Loligo/librbd', 'Loligo/C'],
    [
      ...rows.map(({ ours, plain, c }, index) => [String(index + 1), ...[ours, plain, c, ours / plain, ours / c].map(digits)]),
      [
        'median',
        ...['ours', 'plain', 'c'].map(() => ''),
        digits(median(rows.map(({ ours, plain }) => ours / plain))),
        digits(median(rows.map(({ ours, c }) => ours / c))),
      ],
    ],
  );
  console.log(
    `  CPU seconds for 1,000 volumes: Loligo (controller and agent) ${digits(cpu.ours / thousands)}, librbd ${digits(cpu.plain / thousands)}`,
  );
}
