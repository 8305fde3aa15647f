/** csi-sanity against the driver on a real cluster, with mounted and with block volumes: `sanity.ts [spec name]`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closingLines, failures, runSanity, type SanityReport, type VolumeAccess } from '../test/sanity/run-sanity.ts';
import { MicroCeph, RUN } from '../test/support/micro-ceph.ts';
import { csiSanity } from './csi-sanity.ts';
import { step } from './step.ts';

class Failed extends Error {
  readonly report: SanityReport;

  constructor(report: SanityReport) {
    super('csi-sanity found faults');
    this.report = report;
  }
}

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
    const report = await ran(ceph, access);
    for (const line of failures(report.output)) console.log(line);
    for (const line of report.leftovers) console.log(`  left behind: ${line}`);
    console.log(`\n${closingLines(report.output).join('\n')}\n`);
  }
}

async function ran(ceph: MicroCeph, access: VolumeAccess): Promise<SanityReport> {
  try {
    return await step(`csi-sanity with ${access} volumes`, async () => {
      const report = await runSanity(ceph, access, focus);
      if (!report.ok || report.leftovers.length > 0) throw new Failed(report);
      return report;
    });
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    process.exitCode = 1;
    keep(`sanity-${access}.log`, error.report.output);
    keep(`sanity-${access}-driver.log`, error.report.driverLog);
    return error.report;
  }
}

function keep(name: string, text: string): void {
  const path = join(RUN, name);
  writeFileSync(path, text);
  console.log(`  see ${path}`);
}
