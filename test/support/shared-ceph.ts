/** The micro cluster of this test run. The runner (`scripts/test.ts`) starts it and says where it is. */
import { MicroCeph } from './micro-ceph.ts';

/** Throws when the test was not started by the runner: `make test T=<folder>/<file>` starts one test file. */
export function sharedCeph(): MicroCeph {
  const dir = process.env['LOLIGO_TEST_CEPH'];
  if (dir === undefined) throw new Error('no cluster to test with: run this as `make test T=<folder>/<file>`');
  return MicroCeph.attach(dir);
}
