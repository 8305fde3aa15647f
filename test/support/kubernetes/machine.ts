/** What a machine must let us do before a Kubernetes can run on it. Nothing is left of what is tried. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../ceph/program.ts';
import { dropCgroup, makeCgroup } from './cgroups.ts';

const OWN_NETWORK = ['unshare', '--net', '--'] as const;
const DEVICES = ['/dev/fuse', '/dev/loop-control'];

type Probe = () => unknown;

/** What this machine lacks, each with what it said; nothing when a Kubernetes can run on it. `work` is where its files will lie. */
export async function machineLacks(work: string): Promise<readonly string[]> {
  const probes: Readonly<Record<string, Probe>> = {
    root: () => process.getuid?.() === 0 || fail('this runs as another user'),
    'the Go toolchain': () => run(['go', 'version']),
    'namespaces for network, mounts and processes': () => run(['unshare', '--net', '--mount', '--pid', '--fork', 'true']),
    'bridges and pairs of network devices': () =>
      run([...OWN_NETWORK, 'ip', '-batch', '-'], 'link add bridge0 type bridge\nlink add one0 type veth peer name two0\n'),
    'network address translation by iptables': () => run([...OWN_NETWORK, 'iptables', '--table', 'nat', '--list', '--numeric']),
    'overlay file systems': () => mountOverlay(work),
    'control groups of our own': tryCgroup,
    'FUSE and loop devices': tryDevices,
  };
  const lacks: string[] = [];
  for (const [what, probe] of Object.entries(probes)) {
    try {
      await probe();
    } catch (error) {
      lacks.push(`${what}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  return lacks;
}

function fail(message: string): never {
  throw new Error(message);
}

function run([program = '', ...args]: readonly string[], input = ''): Promise<string> {
  return runProgram(program, args, { input });
}

/** In a mount namespace that ends with the program. */
async function mountOverlay(work: string): Promise<void> {
  mkdirSync(work, { recursive: true });
  const dir = mkdtempSync(join(work, 'overlay-'));
  try {
    const [lower = '', upper, changes, merged = ''] = ['lower', 'upper', 'work', 'merged'].map((name) => join(dir, name));
    for (const folder of [lower, upper, changes, merged]) mkdirSync(String(folder));
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${changes}`;
    await run(['unshare', '--mount', '--', 'mount', '-t', 'overlay', 'overlay', '-o', options, merged]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function tryDevices(): void {
  for (const path of DEVICES) accessSync(path, constants.R_OK | constants.W_OK);
}

function tryCgroup(): void {
  const name = `loligo-${randomBytes(4).toString('hex')}`;
  try {
    makeCgroup(`${name}/node`);
  } finally {
    dropCgroup(name);
  }
}
