/** The program csi-sanity at the version we are held to, built once from its Go module. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RUN, runProgram } from '../test/support/micro-ceph.ts';

const VERSION = 'v5.6.0';
const MODULE = `github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@${VERSION}`;
const BUILD_TIMEOUT = 10 * 60_000; // milliseconds; half a minute with a warm module cache

/** The path of the program; builds it when it is not there (Go 1.21 or newer, which fetches the Go it needs by itself). */
export async function csiSanity(): Promise<string> {
  const program = join(RUN, 'bin', `csi-sanity-${VERSION}`);
  if (existsSync(program)) return program;
  const building = join(RUN, 'bin', `building-${process.pid}`);
  mkdirSync(building, { recursive: true });
  await runProgram('go', ['install', MODULE], { env: { GOBIN: building, GOFLAGS: '' }, timeout: BUILD_TIMEOUT });
  renameSync(join(building, 'csi-sanity'), program); // whole or not at all
  rmSync(building, { recursive: true });
  return program;
}
