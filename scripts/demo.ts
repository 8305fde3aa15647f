/** The driver at work on a real Ceph cluster: the main job from beginning to end, told step by step. */
import { Bed } from './demo/bed.ts';
import { FILE_MIB, tellStory } from './demo/story.ts';
import { Teller } from './demo/teller.ts';

if (process.getuid?.() !== 0) {
  console.error('The demo mounts file systems, so it has to run as root: sudo make demo');
  process.exit(1);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
const teller = new Teller(stop.signal);
const bed = new Bed();
try {
  console.log('Loligo serves Ceph RBD images as volumes over CSI. This is its main job, on a Ceph cluster of its own.');
  const checksum = await tellStory(bed, teller);
  await takeDown();
  summarize(checksum);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log('\nStopped. Taking down what was started; this takes some seconds.');
  process.exitCode = 130;
} finally {
  await bed.end();
}

/** The orderly end, each step of which is looked at; `end` is for every other one. */
async function takeDown(): Promise<void> {
  await teller.step('no mount, loop device or process is left', async () => {
    await bed.stopDriver();
    const remains = bed.remains();
    if (remains.length > 0) throw new Error(`left behind: ${remains.join(', ')}`);
  });
  await teller.step('the cluster is stopped and removed', () => bed.stopCeph());
}

function summarize(checksum: string): void {
  teller.heading(`What you saw, in ${teller.seconds} seconds`);
  console.log(`
  Four volumes, each an image in a real Ceph cluster, made and mounted over CSI: the calls that Kubernetes makes.
  One file of ${FILE_MIB} MiB (sha256 ${checksum.slice(0, 12)}…) was written, and read back unchanged from
    ledger     xfs, after it grew from 1 to 2 GiB while it was mounted
    restored   made of a snapshot of ledger, larger than it: the file system grew to 3 GiB by itself
    copy       a clone of ledger, which shares with it what neither has changed
    archive    ext4, after it grew from 1 to 2 GiB at its next stage
  Everything was deleted again, and its space given back. Nothing that was started is left.

  Next: make ceph (a cluster and a shell to try things in), README.md (a tour), make test.`);
}
