/** csi-sanity's specs of the Node service, in the machine, with the driver's controller beside the node role. */
import assert from 'node:assert/strict';
import { dirname, join, relative, resolve } from 'node:path';
import { after, test } from 'node:test';
import { csiSanity } from '../../scripts/csi-sanity.ts';
import { readCounts, SANITY_OPTIONS, sanityArguments, sanityInputs } from '../sanity/run-sanity.ts';
import { GuestError } from '../support/vm/agent-client.ts';
import { CSI_SOCKET } from '../support/vm/forwarder.ts';
import { VmBed } from '../support/vm/node-bed.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIR = dirname(CSI_SOCKET);
const TIMEOUT = 10 * 60_000; // milliseconds
/** All specs of the Node service. */
const FOCUS = 'Node Service';

const program = join('/project', relative(ROOT, await csiSanity()));
const bed = await VmBed.open({ role: 'standalone', options: SANITY_OPTIONS });
after(() => bed[Symbol.asyncDispose]());

for (const mapper of ['krbd', 'nbd']) {
  for (const access of ['mount', 'block']) {
    test(`csi-sanity finds no fault with ${access} volumes on ${mapper}, and leaves nothing on the node`, async () => {
      const inputs = sanityInputs(bed.pool, mapper, { userID: bed.user, userKey: bed.key });
      for (const [name, content] of Object.entries(inputs)) await bed.machine.write(join(DIR, name), content);

      const output = await sanity([`--csi.testvolumeaccesstype=${access}`, `--ginkgo.focus=${FOCUS}`]);

      const { passed, failed } = readCounts(output);
      assert.deepEqual([failed, passed > 20], [0, true], output.slice(-5000));
      assert.deepEqual(await bed.leftovers(), []);
    });
  }
}

async function sanity(args: readonly string[]): Promise<string> {
  try {
    return await bed.machine.run(program, [...sanityArguments(DIR), ...args], { timeout: TIMEOUT });
  } catch (error) {
    if (error instanceof GuestError) return `${error.stdout}${error.stderr}`;
    throw error;
  }
}
