/** Disaster recovery on two real Ceph clusters, told step by step: a planned move and back, a lost site, its return. */
import { Teller } from './demo/teller.ts';
import { Bed } from './demo-dr/bed.ts';
import { type Measured, tellStory } from './demo-dr/story.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
const teller = new Teller(stop.signal);
const bed = new Bed();
try {
  console.log(
    'Loligo moves volumes between two Ceph clusters. Their mirror daemons look for work every 2 s here, and not every 30 s.',
  );
  summarize(await tellStory(bed, teller));
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log('\nStopped. Taking down what was started; this takes some seconds.');
  process.exitCode = 130;
} finally {
  await bed.end();
}

function summarize({ moves, forced, returned }: Measured): void {
  teller.heading(`What you saw, in ${teller.seconds} seconds`);
  const planned = moves.map(
    ({ to, writes, seconds }) =>
      `  planned, to ${to}    ${writes} writes of 64 KiB acknowledged, none lost; ${seconds.toFixed(1)} s from the last one to primary there`,
  );
  console.log(`
${planned.join('\n')}
  forced, to west     shown before: ${forced.shown}; lost: ${forced.lost} of ${forced.writes} writes, the last ${forced.lostSeconds.toFixed(1)} s; primary ${forced.seconds.toFixed(1)} s after the loss was accepted
  east's return       told, held, demoted, copied anew and safe in ${returned.toFixed(1)} s
  Nothing that was started is left.

  Next: docs/disaster-recovery.md, make test-operator.`);
}
