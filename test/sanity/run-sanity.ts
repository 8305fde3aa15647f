/** csi-sanity of the CSI project against the driver as a process, on a real cluster. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csiSanity } from '../../scripts/csi-sanity.ts';
import { Driver } from '../support/driver.ts';
import { hostRemains, removeHostRemains } from '../support/host-remains.ts';
import { type MicroCeph, ProgramError, runProgram, type TestPool } from '../support/micro-ceph.ts';

export type VolumeAccess = 'mount' | 'block';

export interface SanityReport {
  /** Exit code 0: every spec that ran passed. */
  readonly ok: boolean;
  /** All that csi-sanity printed. */
  readonly output: string;
  /** Ginkgo's sums; csi-sanity 5.6.0 has 102 specs, and one more that it leaves pending itself. */
  readonly counts: Counts;
  /** The driver's log. */
  readonly driverLog: string;
  /** Mounts, loop devices and processes that the run left behind although it had unstaged everything. */
  readonly leftovers: readonly string[];
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly pending: number;
  readonly skipped: number;
}

const GiB = 2 ** 30;
/** Small, for a spec fills a node up to it. */
const NODE_LIMIT = 3;
/**
 * The node is somewhere, and the pool is reached from everywhere: with a topology for the pool, csi-sanity 5.6.0 compares
 * messages with Go's DeepEqual, which also looks into their caches of sizes, and equal ones differ.
 */
const NODE_TOPOLOGY = 'topology.loligo.dev/zone=a';
/** What the driver is told for it. */
export const SANITY_OPTIONS = { 'node-volume-limit': String(NODE_LIMIT), 'node-topology': NODE_TOPOLOGY };
const TIMEOUT = 8 * 60_000; // milliseconds
/** Every request that has secrets, under csi-sanity's name for them. */
const SECRETS = [
  ...['CreateVolumeSecret', 'DeleteVolumeSecret', 'ControllerPublishVolumeSecret', 'ControllerUnpublishVolumeSecret'],
  ...['ControllerValidateVolumeCapabilitiesSecret', 'NodeStageVolumeSecret', 'NodePublishVolumeSecret', 'CreateSnapshotSecret'],
  ...['DeleteSnapshotSecret', 'ControllerExpandVolumeSecret', 'ControllerModifyVolumeSecret', 'ListSnapshotsSecret'],
  'GetSnapshotSecret',
];

/** Runs all specs, or those whose names match `focus`, on a namespace of its own. */
export async function runSanity(ceph: MicroCeph, access: VolumeAccess, focus = ''): Promise<SanityReport> {
  const program = await csiSanity();
  await using pool = await ceph.freshNamespace();
  const dir = mkdtempSync(join(tmpdir(), 'loligo-sanity-'));
  const removeAll = (): void => removeHostRemains(dir);
  process.once('exit', removeAll); // a run that is interrupted leaves nothing either
  try {
    const ran = await runAgainstDriver({ program, pool, dir, args: [`--csi.testvolumeaccesstype=${access}`, ...focusing(focus)] });
    return { ...ran, counts: readCounts(ran.output), leftovers: hostRemains(dir) };
  } finally {
    removeAll();
    process.off('exit', removeAll);
  }
}

interface Run {
  readonly program: string;
  readonly pool: TestPool;
  readonly dir: string;
  readonly args: readonly string[];
}

async function runAgainstDriver({ program, pool, dir, args }: Run): Promise<Ended & { driverLog: string }> {
  const inNamespace = (profile: string): string => `${profile} pool=${pool.name} namespace=${pool.namespace}`;
  const listing = `allow class-read pool=${pool.name} object_prefix rbd_namespace`;
  const osd = (profile: string): string => `${inNamespace(profile)}, ${listing}`;
  const id = randomBytes(3).toString('hex');
  // The configured user may only read: what changes something works with the user of the secrets, or not at all.
  const reader = { user: `reader-${id}`, caps: { mon: 'profile rbd', osd: osd('profile rbd-read-only') } };
  const writer = { user: `writer-${id}`, caps: { mon: 'profile rbd', osd: osd('profile rbd') } };
  const readerKey = await pool.ceph.createUser(reader.user, reader.caps);
  const writerKey = await pool.ceph.createUser(writer.user, writer.caps);
  await using users = new AsyncDisposableStack();
  for (const { user } of [reader, writer]) users.defer(async () => void (await pool.ceph.ceph('auth', 'rm', `client.${user}`)));
  for (const [name, content] of Object.entries(sanityInputs(pool, 'userspace', { userID: writer.user, userKey: writerKey }))) {
    writeFileSync(join(dir, name), content, { mode: 0o600 });
  }
  await using driver = await Driver.start({
    dir,
    clusters: { prod: { monitors: pool.ceph.monitors, user: reader.user, key: readerKey } },
    options: SANITY_OPTIONS,
  });
  const ended = await runToEnd(program, [...sanityArguments(driver.dir), ...args]);
  return { ...ended, driverLog: driver.log() };
}

/** What csi-sanity reads, by the names of the files. JSON is YAML too. */
export function sanityInputs(
  pool: TestPool,
  mapper: string,
  credentials: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    'secrets.yaml': JSON.stringify(Object.fromEntries(SECRETS.map((name) => [name, credentials]))),
    'parameters.yaml': JSON.stringify({ cluster: 'prod', pool: pool.name, namespace: pool.namespace, mapper }),
    'mutable.yaml': JSON.stringify({ deleteRetention: '1h', maxCloneDepth: '3', rbd_qos_iops_limit: '5000' }),
  };
}

/** For a driver whose socket, and csi-sanity's own files, lie in that folder. */
export function sanityArguments(dir: string): string[] {
  return [
    `--csi.endpoint=unix://${join(dir, 'csi.sock')}`,
    `--csi.mountdir=${join(dir, 'mount')}`,
    `--csi.stagingdir=${join(dir, 'staging')}`,
    `--csi.secrets=${join(dir, 'secrets.yaml')}`,
    `--csi.testvolumeparameters=${join(dir, 'parameters.yaml')}`,
    `--csi.testvolumemutableparameters=${join(dir, 'mutable.yaml')}`,
    `--csi.testvolumesize=${GiB}`,
    `--csi.testvolumeexpandsize=${2 * GiB}`,
    '--csi.testnodevolumeattachlimit=true',
    '--ginkgo.no-color',
  ];
}

function focusing(focus: string): string[] {
  return focus === '' ? [] : [`--ginkgo.focus=${focus}`];
}

type Ended = Pick<SanityReport, 'ok' | 'output'>;

async function runToEnd(program: string, args: readonly string[]): Promise<Ended> {
  try {
    return { ok: true, output: await runProgram(program, args, { timeout: TIMEOUT }) };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return { ok: false, output: `${error.stdout}${error.stderr}` };
  }
}

export function readCounts(output: string): Counts {
  const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(closingLines(output).join(' '))?.[1] ?? 0);
  return { passed: count('Passed'), failed: count('Failed'), pending: count('Pending'), skipped: count('Skipped') };
}

/** `Ran 102 of 103 Specs in …`, and the sums under it. */
export function closingLines(output: string): string[] {
  const lines = output.trimEnd().split('\n');
  const at = lines.findLastIndex((line) => line.startsWith('Ran '));
  return at === -1 ? lines.slice(-2) : lines.slice(at, at + 2);
}

/** The names of the specs that failed, as ginkgo's summary has them. */
export function failures(output: string): string[] {
  const summary = output.slice(output.indexOf('Summarizing '));
  return summary.split('\n').filter((line) => line.startsWith('  ['));
}
