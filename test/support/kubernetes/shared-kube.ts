/** The cluster of this test run. The runner (`scripts/e2e.ts`) brings it up and says where it is. */
import { Kube } from './kube.ts';

/** Throws when the test was not started by the runner: `make e2e T=<file>` starts one test file. */
export function sharedKube(): Kube {
  const dir = process.env['LOLIGO_TEST_KUBE'];
  if (dir === undefined) throw new Error('no cluster to test with: run this as `make e2e T=<file>`');
  return Kube.attach(dir);
}
