/**
 * The node role in a virtual machine, as a process of its own, asked from outside over its socket; images and a user of its
 * own in the Ceph cluster beside it. `await using bed = await VmBed.open()` boots a machine: one a test file.
 */
import { randomBytes } from 'node:crypto';
import { type CsiClient, connectCsi, type Message } from '../csi-client.ts';
import { untilOk } from '../driver-bed.ts';
import { until } from '../kubernetes/waiting.ts';
import type { MicroCeph, TestPool } from '../micro-ceph.ts';
import { CSI_SOCKET } from './forwarder.ts';
import { Machine } from './machine.ts';
import { sharedNetwork } from './shared-network.ts';

export const STATE_DIR = '/var/lib/loligo/state';
const CLUSTERS = '/etc/loligo/clusters.json';
const LOG = '/run/loligo.log';
/** Seconds that a call may be asked again; a machine without KVM on two busy cores is slow. */
const PATIENCE = 240;
const START_TIMEOUT = 240_000; // milliseconds; 5 s when nothing else runs
/** As the kubelet has them: below a folder that outlives nothing. */
const PODS = '/run/pods';

export interface VmBedOptions {
  readonly role?: 'node' | 'standalone';
  /** Further options of the driver, by name without the dashes. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface VolumeOptions {
  readonly fsType?: 'ext4' | 'xfs';
  readonly block?: boolean;
  readonly mode?: string;
  readonly mapper?: string;
  readonly mapOptions?: string;
}

/** What the calls about one volume have in common. */
export interface VmVolume {
  readonly image: string;
  readonly volumeId: string;
  readonly stagingTargetPath: string;
  readonly targetPath: string;
  readonly volumeCapability: object;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export class VmBed implements AsyncDisposable {
  readonly machine: Machine;
  readonly ceph: MicroCeph;
  readonly pool: TestPool;
  /** A new one after each start of the driver. */
  csi: CsiClient;
  readonly user: string;
  readonly key: string;
  readonly #driver: Required<VmBedOptions>;
  #pid = 0;

  private constructor(
    machine: Machine,
    at: { ceph: MicroCeph; pool: TestPool; user: string; key: string; driver: Required<VmBedOptions> },
  ) {
    this.machine = machine;
    this.#driver = at.driver;
    this.ceph = at.ceph;
    this.pool = at.pool;
    this.user = at.user;
    this.key = at.key;
    this.csi = connectCsi(machine.csiSocket);
  }

  static async open({ role = 'node', options = {} }: VmBedOptions = {}): Promise<VmBed> {
    const { network, ceph } = sharedNetwork();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    const machine = await Machine.start(network);
    const pool = await ceph.freshNamespace();
    const user = `vm-${randomBytes(3).toString('hex')}`;
    const key = await ceph.createUser(user, { mon: 'profile rbd', osd: 'profile rbd pool=rbd' });
    const bed = new VmBed(machine, { ceph, pool, user, key, driver: { role, options } });
    await bed.startDriver();
    return bed;
  }

  /** Starts the driver, as after each boot, and waits until it answers. */
  async startDriver(): Promise<void> {
    const { machine } = this;
    const entry = { site: 'east', monitors: this.ceph.monitors, user: this.user, keyFile: 'prod.key' };
    await machine.write(CLUSTERS, JSON.stringify({ prod: entry }));
    await machine.write('/etc/loligo/prod.key', this.key);
    await machine.run('mkdir', ['-p', PODS, STATE_DIR, '/run/loligo']);
    const options = { endpoint: `unix://${CSI_SOCKET}`, clusters: CLUSTERS, 'state-dir': STATE_DIR, health: '' };
    const node = { 'node-name': machine.name, 'node-address': machine.address };
    const args = Object.entries({ ...options, ...node, ...this.#driver.options }).map(([name, value]) => `--${name}=${value}`);
    await machine.run('rm', ['-f', CSI_SOCKET]); // Of one that was killed.
    this.#pid = await machine.start('/node/node', ['/bed/bin/loligo.js', this.#driver.role, ...args], LOG);
    const listens = async (): Promise<boolean> => (await machine.run('test', ['-S', CSI_SOCKET])) === '';
    await until(listens, { what: 'the driver in the machine listens', timeout: START_TIMEOUT });
    // A connection that was tried before would be tried again only after a while.
    this.csi.close();
    this.csi = connectCsi(machine.csiSocket);
    await this.csi.call('GetPluginInfo', {});
  }

  /** SIGKILL to the driver alone, then another in its place. */
  async restartDriver(): Promise<void> {
    await this.killDriver();
    await this.startDriver();
  }

  async killDriver(): Promise<void> {
    await this.machine.run('kill', ['-KILL', String(this.#pid)]);
  }

  /** The power fails and comes back; the driver is started as it is on a node. */
  async reset(): Promise<void> {
    await this.machine.reset();
    await this.startDriver();
  }

  log(): Promise<string> {
    return this.machine.run('cat', [LOG]);
  }

  /** A new image of that many MiB, and how it is staged. */
  async image(image: string, mib = 512, options: VolumeOptions = {}): Promise<VmVolume> {
    await this.pool.rbd('create', image, '--size', `${mib}M`);
    return this.volume(image, options);
  }

  volume(image: string, options: VolumeOptions = {}): VmVolume {
    const { fsType = '', block = false, mode = 'SINGLE_NODE_WRITER', mapper = '', mapOptions = '' } = options;
    return {
      image,
      volumeId: `prod/${this.pool.spec}/${image}`,
      stagingTargetPath: `${PODS}/stage-${image}`,
      targetPath: `${PODS}/pod-${image}`,
      volumeCapability: { ...(block ? { block: {} } : { mount: { fsType } }), accessMode: { mode } },
      volumeContext: Object.fromEntries(Object.entries({ mapper, mapOptions }).filter(([, value]) => value !== '')),
    };
  }

  stage(volume: VmVolume, other: object = {}): Promise<Message> {
    return this.csi.call('NodeStageVolume', { ...volume, ...other });
  }

  publish(volume: VmVolume, other: object = {}): Promise<Message> {
    return this.csi.call('NodePublishVolume', { ...volume, ...other });
  }

  unpublish({ volumeId, targetPath }: VmVolume): Promise<Message> {
    return this.csi.call('NodeUnpublishVolume', { volumeId, targetPath });
  }

  unstage({ volumeId, stagingTargetPath }: VmVolume): Promise<Message> {
    return untilOk(() => this.csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath }), PATIENCE);
  }

  /** As when the last pod on the node is gone. */
  async takeAway(volume: VmVolume): Promise<void> {
    await this.unpublish(volume);
    await this.unstage(volume);
  }

  /** A program that has the device open from now on; its process id. */
  async hold(path: string): Promise<number> {
    const pid = await this.machine.start('tail', ['-f', path], '/dev/null');
    const isOpen = async (): Promise<boolean> => (await this.machine.run('find', [`/proc/${pid}/fd`, '-lname', path])) !== '';
    await until(isOpen, { what: `${path} is open`, timeout: 60_000 });
    return pid;
  }

  /** What `rbd device list` shows in the machine. */
  async devices(type: 'krbd' | 'nbd' = 'krbd'): Promise<readonly MappedImage[]> {
    return JSON.parse(await this.machine.run('rbd', ['device', 'list', '--device-type', type, '--format', 'json']));
  }

  /** Everything that volumes leave on a node, a line each. */
  async leftovers(): Promise<readonly string[]> {
    const { machine } = this;
    const [krbd, nbd, programs, mounts, keys, state, staged] = [
      await this.devices(),
      await machine.run('find', ['/sys/block', '-name', 'nbd*', '-exec', 'test', '-e', '{}/pid', ';', '-print']),
      await machine.run('ps', ['-e', '-o', 'args']),
      await machine.run('cat', ['/proc/self/mountinfo']),
      await machine.run('cat', ['/proc/keys']),
      await machine.run('find', [STATE_DIR, '-mindepth', '2']),
      await machine.run('find', [PODS, '-mindepth', '1', '-name', 'pod-*']),
    ];
    return [
      ...krbd.map(({ device, name }) => `device ${device} of ${name}`),
      ...lines(nbd).map((path) => `device ${path}`),
      ...lines(programs).filter((line) => line.startsWith('rbd-nbd ')),
      ...lines(mounts).filter((line) => line.includes(` ${PODS}/`) || line.includes(` ${STATE_DIR}/`)),
      ...lines(keys).filter((line) => / ceph +/.test(line)),
      ...lines(state).map((path) => `state ${path}`),
      ...lines(staged).map((path) => `target ${path}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.csi.close();
    await this.machine[Symbol.asyncDispose]();
    await this.ceph.ceph('auth', 'rm', `client.${this.user}`);
    await this.pool[Symbol.asyncDispose]();
  }
}

export interface MappedImage {
  readonly id: string;
  readonly pool: string;
  readonly namespace: string;
  /** Of krbd. */
  readonly name?: string;
  /** Of nbd. */
  readonly image?: string;
  readonly snap: string;
  readonly device: string;
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
