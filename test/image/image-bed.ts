/** The image as `make image` wrote it, unpacked, and containers of it run by runc the way a kubelet would. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from '../support/ceph/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ARCHIVE = join(ROOT, '.run/image/loligo.tar');

export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

export interface ContainerSpec {
  /** After the entry point. */
  readonly args: readonly string[];
  /** In place of the entry point. */
  readonly program?: readonly string[];
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly capabilities?: readonly string[];
  /** Paths of this machine that the container sees at the same place, with mounts propagated both ways. */
  readonly mounts?: readonly string[];
  /** A device of this machine that it may use. */
  readonly devices?: readonly string[];
}

const KERNEL_MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'ro'] },
  // What pods have as emptyDir.
  { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
  { destination: '/run/loligo', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
];

export class ImageBed implements Disposable {
  readonly dir: string;
  readonly rootfs: string;
  readonly config: ImageConfig;
  readonly #names = new Set<string>();

  private constructor(dir: string, config: ImageConfig) {
    this.dir = dir;
    this.rootfs = join(dir, 'rootfs');
    this.config = config;
  }

  static async open(): Promise<ImageBed> {
    if (!existsSync(ARCHIVE)) throw new Error('there is no image to test: run `make image` first');
    const dir = join(ROOT, '.run', `image-${randomBytes(3).toString('hex')}`);
    mkdirSync(join(dir, 'archive'), { recursive: true });
    await runProgram('tar', ['-C', join(dir, 'archive'), '-xf', ARCHIVE]);
    const read = (name: string): string => readFileSync(join(dir, 'archive', name), 'utf8');
    const [manifest] = JSON.parse(read('manifest.json')) as { Config: string; Layers: string[] }[]; // docker's form
    if (manifest === undefined) throw new Error('the archive holds no image');
    const { config } = JSON.parse(read(manifest.Config)) as { config: ImageConfig };
    const bed = new ImageBed(dir, config);
    mkdirSync(bed.rootfs);
    for (const layer of manifest.Layers) await runProgram('tar', ['-C', bed.rootfs, '-xpf', join(dir, 'archive', layer)]);
    rmSync(join(dir, 'archive'), { recursive: true });
    return bed;
  }

  /** Runs a container to its end; its output. Throws with what it complained of. */
  run(spec: ContainerSpec): Promise<string> {
    return runProgram('runc', ['--root', join(this.dir, 'runc'), 'run', '--bundle', this.#bundle(spec), this.#name()]);
  }

  /** A container that goes on; `output` is told what it says. It ends with the bed. */
  start(spec: ContainerSpec, output: (text: string) => void): ChildProcess {
    const args = ['--root', join(this.dir, 'runc'), 'run', '--bundle', this.#bundle(spec), this.#name()];
    const child = spawn('runc', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output(String(chunk)));
    return child;
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) spawnSync('runc', ['--root', join(this.dir, 'runc'), 'delete', '--force', name]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  #name(): string {
    const name = `loligo-test-${randomBytes(3).toString('hex')}`;
    this.#names.add(name);
    return name;
  }

  /** Read-only root, no new privileges, no capability but those asked for, the network of the machine. */
  #bundle({ args, program, user, capabilities = [], mounts = [], devices = [] }: ContainerSpec): string {
    const bundle = join(this.dir, `bundle-${randomBytes(3).toString('hex')}`);
    mkdirSync(bundle);
    const [uid = 0, gid = 0] = this.config.User.split(':').map(Number);
    const sets = ['bounding', 'effective', 'permitted'] as const;
    const bind = (path: string, options: readonly string[]) => ({ destination: path, type: 'none', source: path, options });
    const binds = [
      ...mounts.map((path) => bind(path, ['rbind', 'rshared', 'rw'])),
      ...devices.map((path) => bind(path, ['bind', 'rw'])),
    ];
    const config = {
      ociVersion: '1.0.2',
      process: {
        terminal: false,
        user: user ?? { uid, gid },
        args: [...(program ?? this.config.Entrypoint), ...args],
        env: this.config.Env,
        cwd: '/',
        capabilities: Object.fromEntries(sets.map((set) => [set, capabilities])),
        noNewPrivileges: true,
      },
      root: { path: this.rootfs, readonly: true },
      mounts: [...KERNEL_MOUNTS, ...binds],
      linux: {
        namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
        rootfsPropagation: 'rshared',
        resources: { devices: [{ allow: devices.length > 0, access: 'rwm' }] },
      },
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    return bundle;
  }
}
