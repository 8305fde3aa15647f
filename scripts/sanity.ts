/** csi-sanity against the driver on a real cluster, with mounted and with block volumes: `sanity.ts [spec name]`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closingLines, failures, runSanity } from '../test/sanity/run-sanity.ts';
import { MicroCeph, RUN } from '../test/support/micro-ceph.ts';
import { csiSanity } from './csi-sanity.ts';
import { step } from './step.ts';

const [focus = ''] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

await step('csi-sanity built from its Go module', csiSanity);
const given = process.env['LOLIGO_TEST_CEPH'];
if (given !== undefined) {
  await runBoth(MicroCeph.attach(given));
} else {
  await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start());
  await step('pool rbd', () => ceph.freshPool('rbd'));
  await runBoth(ceph);
}

async function runBoth(ceph: MicroCeph): Promise<void> {
  for (const access of ['mount', 'block'] as const) {
    const { ok, output, driverLog, leftovers } = await step(`csi-sanity with ${access} volumes`, () =>
      runSanity(ceph, access, focus),
    );
    const log = join(RUN, `sanity-${access}.log`);
    writeFileSync(log, output);
    writeFileSync(join(RUN, `sanity-${access}-driver.log`), driverLog);
    if (!ok) console.log(`\n${failures(output).join('\n')}\n\nAll it said: ${log}`);
    console.log(`\n${closingLines(output).join('\n')}\n`);
    for (const line of leftovers) console.log(`left behind: ${line}`);
    if (!ok || leftovers.length > 0) process.exitCode = 1;
  }
}
