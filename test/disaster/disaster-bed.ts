/** Two sites with Ceph and mirror daemons, an API server, and the operator between them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MirrorPolicyStatus } from '../../src/operator/index.ts';
import { adminKey, engineBed } from '../support/engine-bed.ts';
import { ApiServer } from '../support/kubernetes/api-server.ts';
import { aPolicy } from '../support/kubernetes/policies.ts';
import { until } from '../support/kubernetes/waiting.ts';
import { EAST, MirrorBed, type MirrorPool, type MirrorSide, WEST } from '../support/mirror/mirror-bed.ts';
import { aVolume, MiB } from '../support/volume-specs.ts';
import { OperatorProcess } from './operator-process.ts';

export interface PolicySeen {
  readonly metadata: { readonly uid: string; readonly finalizers?: readonly string[] };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: MirrorPolicyStatus;
}

export class DisasterBed implements AsyncDisposable {
  readonly mirror: MirrorBed;
  readonly api: ApiServer;
  readonly #dir: string;
  operator: OperatorProcess;

  private constructor(parts: { mirror: MirrorBed; api: ApiServer; dir: string; operator: OperatorProcess }) {
    this.mirror = parts.mirror;
    this.api = parts.api;
    this.#dir = parts.dir;
    this.operator = parts.operator;
  }

  static async start(): Promise<DisasterBed> {
    const mirror = await MirrorBed.start();
    const api = await ApiServer.start();
    await api.installCrds();
    // Where it is swept with the rest when this process is killed.
    const dir = join(api.dir, 'operator');
    mkdirSync(dir);
    const [east, west] = await Promise.all([mirror.east, mirror.west].map(adminKey));
    writeFileSync(join(dir, 'east.key'), east ?? '', { mode: 0o600 });
    writeFileSync(join(dir, 'west.key'), west ?? '', { mode: 0o600 });
    const site = (name: string, monitors: readonly string[]) => ({ monitors, user: 'admin', keyFile: `${name}.key` });
    const peers = { [WEST]: site(WEST, mirror.west.monitors) };
    const clusters = { prod: { site: EAST, ...site(EAST, mirror.east.monitors), peers } };
    writeFileSync(join(dir, 'clusters.json'), JSON.stringify(clusters));
    return new DisasterBed({ mirror, api, dir, operator: OperatorProcess.start(dir, api.kubeconfig()) });
  }

  /** SIGKILL; the next one takes the Lease when that has lapsed, so it is let go of here. */
  async restartOperator(): Promise<void> {
    await this.operator.kill();
    await this.api.kubectl('delete', 'lease', 'loligo-operator', '--ignore-not-found');
    this.operator = OperatorProcess.start(this.#dir, this.api.kubeconfig());
  }

  /** As a controller of the same Loligo makes them: others' volumes are not in its listings. */
  async createVolumes(pool: MirrorPool, images: readonly string[]): Promise<void> {
    await using made = await engineBed(pool.east.pool, { site: EAST, instance: 'default' });
    for (const image of images) await made.engine.createVolume(aVolume(pool, { image, size: 32n * MiB }));
  }

  /** A policy for everything in a pool. */
  async apply(pool: MirrorPool, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.api.apply(
      aPolicy(pool.name, { volumes: { pools: [pool.name], everything: true }, interval: '5s', rpo: '1m', ...spec }),
    );
  }

  async patch(pool: MirrorPool, spec: Readonly<Record<string, unknown>>): Promise<void> {
    await this.api.kubectl('patch', 'mp', pool.name, '--type=merge', '--patch', JSON.stringify({ spec }));
  }

  async policy(pool: MirrorPool): Promise<PolicySeen> {
    return JSON.parse(await this.api.kubectl('get', 'mp', pool.name, '--output', 'json')) as PolicySeen; // as kubectl has it
  }

  /** Waits until the status is right; the error has the last one, and what the operator said. */
  async until(pool: MirrorPool, right: (status: MirrorPolicyStatus) => boolean, seconds = 120): Promise<MirrorPolicyStatus> {
    let last: MirrorPolicyStatus | undefined;
    const look = async (): Promise<MirrorPolicyStatus | false> => {
      last = (await this.policy(pool)).status;
      return last !== undefined && right(last) && last;
    };
    try {
      return await until(look, { what: 'the status of the policy', timeout: seconds * 1000, interval: 500 });
    } catch (error) {
      const said = readFileSync(this.operator.log, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
      throw new Error(`the status is ${JSON.stringify(last, undefined, 1)}\nthe operator said:\n${said}`, { cause: error });
    }
  }

  /** Waits until a copy holds what was written. */
  async untilCopied({ pool }: MirrorSide, image: string, checksum: string): Promise<void> {
    const same = async (): Promise<boolean> => (await pool.checksum(image)) === checksum;
    await until(same, { what: `${image} is copied`, timeout: 60_000, interval: 1000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
    await this.mirror[Symbol.asyncDispose]();
  }
}

export function condition(status: MirrorPolicyStatus, type: string): string {
  const found = status.conditions?.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}`;
}
