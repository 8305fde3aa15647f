/**
 * The kernel's own client, asked by sysfs: no program of Ceph, and no process that carries I/O.
 *
 *     K1  A device is known by its label: the name of the key on its add line, which the kernel shows as long as the device is
 *         there. It is made of the volume's directory and the node, so nothing has to be remembered.
 *     K2  Who adds or removes a volume's device holds the lock file in its directory, also after the node role was killed:
 *         the program that writes to sysfs holds it. The file is there from before the first to after the last. A removal that waits for Ceph is never killed: it would leave the
 *         exclusive lock behind, and the next one to want it would have this node's client blocklisted.
 *     K3  The key is in the kernel's keyring while an image is being mapped, and not after.
 */
import { access, rm, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';
import { tryReading } from '../cut-off.ts';
import { heldByOthers, refuseMounted } from '../held.ts';
import { loadModule } from '../kernel-module.ts';
import { LIMITS } from '../limits.ts';
import type { Device, MapOptions, Mapped, Mapper, MapSpec } from '../mapper.ts';
import { digest } from '../paths.ts';
import { type Ran, run } from '../run.ts';
import { errnoOfText } from '../strerror.ts';
import { addFailure, waitFailure } from './add-failure.ts';
import { addLine } from './add-line.ts';
import { ADD, hasRbd, type RbdDevice, REMOVE, readDevices, refreshOf } from './devices.ts';
import { dropKernelKey, missingForKeys, withKernelKey } from './kernel-key.ts';
import { checkOptions } from './options.ts';

const LOCK = 'krbd.lock';
/** As `flock` answers when another process has the lock. */
const LOCKED = 75;
/** udev looks into each new device, and the kernel may still write out, for a moment. */
const LET_GO_MS = 2_000;

export class KrbdMapper implements Mapper {
  readonly name = 'krbd';
  readonly heal = undefined;
  readonly #node: string;

  /** `node` is the name of the node, the same as long as volumes are mapped. */
  constructor(node: string) {
    this.#node = node;
  }

  async missing(): Promise<string | undefined> {
    if (!(await hasRbd())) await loadModule('rbd');
    return (await hasRbd()) ? missingForKeys() : 'the kernel module rbd';
  }

  checkOptions(options: MapOptions): void {
    checkOptions(options);
  }

  async find(dir: string): Promise<Mapped> {
    const [device] = await this.#devices(dir);
    return device === undefined ? { state: 'none' } : { state: 'alive', device };
  }

  async map(dir: string, spec: MapSpec): Promise<Device> {
    const [found] = await this.#devices(dir);
    if (found !== undefined && isOf(found, spec)) return found;
    await this.unmap(dir);
    await this.#add(dir, spec);
    return await this.#settle(dir);
  }

  async resize(dir: string): Promise<Device> {
    const [device] = await this.#devices(dir);
    if (device === undefined) throw new Failure('precondition', 'NOT_MAPPED', 'the volume is not mapped on this node');
    // The kernel hears of a new size by itself, some time.
    await run('dd', writing(refreshOf(device)), { limit: LIMITS.map, input: Buffer.from('1') });
    const [grown] = await this.#devices(dir);
    if (grown === undefined) throw new Failure('unfinished', 'DEVICE_LOST', 'the device went away while it was looked at');
    return grown;
  }

  async unmap(dir: string): Promise<void> {
    const lock = join(dir, LOCK);
    const devices = await this.#devices(dir);
    if (devices.length === 0 && !(await isFile(lock))) return;
    for (const device of devices) await remove(device, lock);
    await dropKernelKey(this.#label(dir)); // Left by a call that was killed while it mapped.
    if (!(await isLocked(lock))) await rm(lock, { force: true });
  }

  /** Usually none or one; more when a call was killed in the kernel and another came right after it. */
  async #devices(dir: string): Promise<readonly RbdDevice[]> {
    const label = this.#label(dir);
    return (await readDevices()).filter((device) => device.label === label);
  }

  #label(dir: string): string {
    return `loligo.${digest(`${this.#node}\0${dir}`)}`;
  }

  async #add(dir: string, spec: MapSpec): Promise<void> {
    const label = this.#label(dir);
    const lock = join(dir, LOCK);
    await writeFile(lock, '', { mode: 0o600 }); // Before the key: where it is, there may be something to take away.
    await withKernelKey(label, spec.connection.key, async () => {
      const shared = await add(lock, addLine(label, spec, 'shared'));
      // Images that are still mapped keep a client that Ceph has cut off, and the kernel would share it.
      const ran = errnoOfText(shared.stderr) === 'ESHUTDOWN' ? await add(lock, addLine(label, spec, 'own')) : shared;
      if (ran.exit !== 0) throw await addFailure(ran.stderr, spec.connection.user);
    });
  }

  /** What was just mapped is the volume's only device, and nobody else on this node has the image. */
  async #settle(dir: string): Promise<Device> {
    const [device, ...more] = await this.#devices(dir);
    if (device === undefined) throw new Failure('unfinished', 'DEVICE_LOST', 'the device went away as soon as it was made');
    for (const extra of more) await remove(extra, join(dir, LOCK));
    const other = (await readDevices()).find((one) => one.label !== device.label && isSameImage(one, device));
    if (other === undefined || (other.readonly && device.readonly)) return device;
    await this.unmap(dir);
    throw new Failure('precondition', 'MAPPED_BY_OTHERS', `somebody else has mapped the image on this node: ${other.path}`);
  }
}

/** True when it is what the call wants; a label says only whose device it is. */
function isOf(device: RbdDevice, { image, readonly }: MapSpec): boolean {
  const { pool, namespace } = device;
  const same = pool === image.pool && namespace === image.namespace && device.image === image.image;
  return same && device.snapshot === '' && device.readonly === readonly;
}

function isSameImage(one: RbdDevice, other: RbdDevice): boolean {
  const fields = ['fsid', 'pool', 'namespace', 'image', 'snapshot'] as const;
  return fields.every((field) => one[field] === other[field]);
}

async function add(lock: string, line: string): Promise<Ran> {
  const since = uptime() - 1;
  try {
    const ran = await run('flock', locked(lock, ADD), { limit: LIMITS.map, input: Buffer.from(line), accept: [0, 1, LOCKED] });
    if (ran.exit === LOCKED) throw underWay();
    return ran;
  } catch (error) {
    throw (await waitFailure(since)) ?? error;
  }
}

/** Asks the kernel to take the device away, and waits until it is gone. One that only gives errors goes also from who has it open. */
async function remove(device: RbdDevice, lock: string): Promise<void> {
  await refuseMounted(device);
  const until = Date.now() + LIMITS.unmap;
  let how: Removal = 'when-free';
  for (let letGo = Date.now() + LET_GO_MS; ; await sleep(50)) {
    const ran = await Promise.race([removal(device, { lock, how }), untilGone(device, until)]);
    if (!(await isThere(device))) return;
    if (ran?.exit === LOCKED || ran === undefined) throw underWay();
    if (Date.now() <= letGo) continue;
    if (how === 'force' || (await tryReading(device)) !== 'errors') throw await heldByOthers(device);
    how = 'force';
    letGo = Date.now() + LET_GO_MS;
  }
}

/** Its own end does not matter, only whether the device is gone: after that it may wait for Ceph, for as long as it takes. */
type Removal = 'when-free' | 'force';

async function removal(device: RbdDevice, { lock, how }: { lock: string; how: Removal }): Promise<Ran | undefined> {
  const input = Buffer.from(how === 'force' ? `${device.id} force` : device.id);
  const options = { limit: LIMITS.unmap, input, accept: [0, 1, LOCKED], leave: true };
  try {
    return await run('flock', locked(lock, REMOVE), options);
  } catch {
    return undefined;
  }
}

async function untilGone(device: RbdDevice, until: number): Promise<undefined> {
  while (Date.now() < until && (await isThere(device))) await sleep(20);
}

async function isThere(device: RbdDevice): Promise<boolean> {
  return (await readDevices()).some(({ id, label }) => id === device.id && label === device.label);
}

function isFile(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isLocked(lock: string): Promise<boolean> {
  const { exit } = await run('flock', ['--nonblock', '--conflict-exit-code', String(LOCKED), lock, 'true'], {
    limit: LIMITS.look,
    accept: [0, LOCKED],
  });
  return exit === LOCKED;
}

/** A write that reaches sysfs as one, with what comes on standard input, by a program that can be left behind. */
function writing(path: string): readonly string[] {
  return [`of=${path}`, 'bs=4096', 'iflag=fullblock', 'conv=notrunc,nocreat', 'status=none'];
}

function locked(lock: string, path: string): readonly string[] {
  return ['--nonblock', '--conflict-exit-code', String(LOCKED), lock, 'dd', ...writing(path)];
}

function underWay(): Failure {
  return new Failure('unfinished', 'MAP_UNDERWAY', 'the kernel still maps or unmaps the image, for an earlier call');
}
