/**
 * Two sites as the measured rules of RBD mirroring have them (docs: mirroring-measured, V1, V10, V13), for plans to be tried on in
 * every order of events: what is promoted, demoted, copied and forced is followed with the data that it holds. It stands
 * for the observations that a plan is given, not for Ceph: what Ceph does is tested on Ceph.
 */
import { Failure } from '../../src/lib/failure.ts';
import type { ImageFacts, MirrorSnapshot, PoolFacts, Standing, Truth } from '../../src/mirror/index.ts';
import type { Observation, SiteSeen } from '../../src/operator/mirror/observation.ts';
import { type Plan, plan, type Step } from '../../src/operator/mirror/plan.ts';
import type { Want } from '../../src/operator/mirror/want.ts';

export const PLACE = { pool: 'rbd', namespace: '' };
export type SiteName = 'east' | 'west';

interface Copy {
  standing: Standing;
  snapshots: MirrorSnapshot[];
  /** Writes that it holds. */
  data: number;
  /** What a demotion or snapshot here stands for, by id. */
  readonly held: Map<string, number>;
  split: boolean;
  resyncAsked: boolean;
  /** Its promote or demote was killed half-way: primary, and read-only. */
  half: boolean;
}

interface Site {
  truth: Truth | undefined;
  reachable: boolean;
  silentSince: number | undefined;
  looks: number;
  readonly copies: Map<string, Copy>;
}

export function aWant(differs: Partial<Want> = {}): Want {
  return {
    policy: 'gold',
    cluster: 'prod',
    sites: ['east', 'west'],
    primarySite: 'east',
    epoch: 1,
    places: [PLACE],
    home: PLACE,
    mode: 'snapshot',
    interval: 60,
    rpo: 300,
    parents: 'mirror',
    accepted: undefined,
    freeze: false,
    resyncOnReturn: true,
    disableOnDelete: false,
    specHash: 'x',
    ...differs,
  };
}

export class World {
  readonly east: Site = emptySite();
  readonly west: Site = emptySite();
  /** Acknowledged writes of each image. */
  readonly written = new Map<string, number>();
  /** What broke a promise. */
  readonly broken: string[] = [];
  now = 1_000_000;
  /** The next promote or demote is killed between its two writes. */
  killed = false;
  /** By image, the site whose writes do not count any more: the other one was forced. */
  readonly #lost = new Map<string, SiteName>();
  #id = 10;

  constructor(images: readonly string[]) {
    for (const image of images) {
      this.written.set(image, 0);
      this.east.copies.set(image, freshCopy({ role: 'primary' }));
      this.west.copies.set(image, freshCopy({ role: 'secondary', peer: 'east' }));
      this.#snapshot('east', image, 'primary');
      this.replay(image);
    }
  }

  observe(want: Want): Observation {
    const see = (name: SiteName): SiteSeen => this.#see(name);
    const wanted = new Map([['rbd', new Set(this.written.keys())]]);
    return {
      policy: want.policy,
      here: see('east'),
      there: see('west'),
      places: want.places,
      wanted,
      remembered: new Map(),
      now: this.now,
    };
  }

  planFor(want: Want): Plan {
    return plan(want, this.observe(want), { left: new Set(), peersDue: false });
  }

  /** Takes a step as the engine would; `only` cuts it off after so many images. */
  take(step: Step, only = Number.POSITIVE_INFINITY): void {
    if (step.do === 'peer') return;
    const site = this[step.site as SiteName];
    if (!site.reachable) return;
    if (step.do === 'write-truth') {
      site.truth = step.truth;
      return;
    }
    if ((step.do === 'promote' || step.do === 'demote') && step.epoch !== (site.truth?.intent?.epoch ?? site.truth?.epoch)) return;
    for (const item of step.images.slice(0, only)) {
      const image = typeof item === 'string' ? item : item.image;
      this.#takeOn(step, image, typeof item === 'string' ? '' : item.demotion);
    }
  }

  /** A step of a plan that was made long ago, by an operator that was held still: the engine's own refusals are all that is between. */
  takeLate(step: Step, seen: Observation): void {
    if (step.do === 'peer') return;
    const { truth } = this[step.site as SiteName];
    const before = seen.here.site === step.site ? seen.here.truth : seen.there.truth;
    if (step.do === 'write-truth' && truth !== before) return;
    if (step.do === 'force' && (truth?.intent?.kind !== 'forced' || truth.intent.epoch !== step.epoch)) return;
    if (step.do === 'resync' && (truth?.primarySite === step.site || (truth?.epoch ?? 0) < step.epoch)) return;
    const images =
      step.do === 'resync' ? step.images.filter((image) => !this.primaries(image).includes(step.site as SiteName)) : [];
    this.take(step.do === 'resync' ? { ...step, images } : step);
  }

  /** `rbd mirror image demote`, by somebody who knows nothing of the policy. */
  demoteByHand(name: SiteName, image: string): void {
    const copy = this.copy(name, image);
    if (copy?.standing.role === 'primary' && !copy.half) this.#demote(name, image, copy);
  }

  /** Somebody writes, wherever it can be written. */
  write(image: string): void {
    for (const name of ['east', 'west'] as const) {
      const copy = this.copy(name, image);
      if (copy?.standing.role !== 'primary' || copy.half || !this[name].reachable) continue;
      // What a site that was given up writes is what was accepted to be lost.
      const isLost = this.#lost.get(image) === name;
      copy.data = isLost ? copy.data + 0.001 : (this.written.get(image) ?? 0) + 1;
      if (!isLost) this.written.set(image, copy.data);
    }
  }

  /** The daemons copy what there is to copy, and begin to replay from a new primary. */
  replay(image: string): void {
    if (!this.east.reachable || !this.west.reachable) return;
    for (const [from, to] of [['east', 'west'] as const, ['west', 'east'] as const]) {
      const [source, target] = [this.copy(from, image), this.copy(to, image)];
      if (source === undefined || target === undefined || target.standing.role === 'primary') continue;
      if (target.resyncAsked && source.standing.role === 'primary') this.#resynced(from, to, image);
      else this.#copyOver(from, source, target);
    }
  }

  away(name: SiteName): void {
    this[name].reachable = false;
    this[name].silentSince = this.now;
    this[name].looks = 0;
  }

  back(name: SiteName): void {
    this[name].reachable = true;
    this[name].silentSince = undefined;
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const site of [this.east, this.west]) site.looks += 1;
  }

  /** One of its sites was given up, and has not been made a copy again. */
  wasForced(image: string): boolean {
    return this.#lost.has(image);
  }

  copy(name: SiteName, image: string): Copy | undefined {
    return this[name].copies.get(image);
  }

  primaries(image: string): SiteName[] {
    return (['east', 'west'] as const).filter((name) => this.copy(name, image)?.standing.role === 'primary');
  }

  #takeOn(step: Exclude<Step, { do: 'write-truth' | 'peer' }>, image: string, demotion: string): void {
    const name = step.site as SiteName;
    const copy = this.copy(name, image);
    if (copy === undefined) return;
    switch (step.do) {
      case 'enable':
        return;
      case 'snapshot':
        if (copy.standing.role === 'primary') this.#snapshot(name, image, 'primary');
        return;
      case 'demote':
        if (copy.standing.role !== 'primary') return;
        copy.half = this.#isKilled();
        if (!copy.half) this.#demote(name, image, copy);
        return;
      case 'promote':
        this.#promote(name, image, demotion);
        return;
      case 'force':
        this.#force(name, image);
        return;
      case 'resync':
        if (copy.standing.role === 'primary') this.broken.push(`I5: ${image} is primary at ${name} and was to be thrown away`);
        copy.resyncAsked = true;
    }
  }

  #demote(name: SiteName, image: string, copy: Copy): void {
    const from = copy.snapshots.find(({ state }) => state.startsWith('non-primary'));
    const since = from?.state === 'non-primary-demoted' ? { since: `${from.primaryMirrorUuid}/${from.primarySnapshotId}` } : {};
    this.#snapshot(name, image, 'primary-demoted');
    copy.standing = { role: 'demoted', by: 'this-site', mark: markOf(name, copy), complete: true, ...since };
  }

  #promote(name: SiteName, image: string, demotion: string): void {
    const copy = this.copy(name, image);
    if (copy?.standing.role === 'primary') copy.half = false;
    if (copy === undefined || copy.standing.role === 'primary') return;
    const { standing } = copy;
    // The engine refuses any other.
    if (standing.role !== 'demoted' || standing.mark !== demotion || !standing.complete) return;
    if (this.#lost.get(image) === name) this.#lost.delete(image);
    if (copy.data !== this.written.get(image)) this.broken.push(`${image} was promoted at ${name} without its last write`);
    this.#becomePrimary(name, image);
  }

  #force(name: SiteName, image: string): void {
    const other = name === 'east' ? this.west : this.east;
    const copy = this.copy(name, image);
    if (copy === undefined || copy.standing.role === 'primary') return;
    if (other.reachable) this.broken.push(`I2: ${image} was forced at ${name} while the other site answers`);
    if (this[name].truth?.intent?.kind !== 'forced') this.broken.push(`I1: ${image} was forced at ${name} without a forced intent`);
    copy.split = false;
    this.written.set(image, copy.data);
    this.#lost.set(image, name === 'east' ? 'west' : 'east');
    this.#becomePrimary(name, image);
  }

  #becomePrimary(name: SiteName, image: string): void {
    const copy = this.copy(name, image);
    if (copy === undefined) return;
    copy.standing = { role: 'primary' };
    copy.half = this.#isKilled();
    this.#snapshot(name, image, 'primary');
  }

  #isKilled(): boolean {
    const { killed } = this;
    this.killed = false;
    return killed;
  }

  #snapshot(name: SiteName, image: string, state: 'primary' | 'primary-demoted'): void {
    const copy = this.copy(name, image);
    if (copy === undefined) return;
    this.#id += 1;
    const peer = name === 'east' ? 'west' : 'east';
    const plain = { at: this.now, complete: true, primaryMirrorUuid: '', primarySnapshotId: '', copiedObjects: 0 };
    copy.snapshots.unshift({ id: String(this.#id), state, waitingPeers: [peer], ...plain });
    copy.held.set(String(this.#id), copy.data);
  }

  #copyOver(from: SiteName, source: Copy, target: Copy): void {
    const [newest] = source.snapshots;
    if (newest === undefined || newest.state.startsWith('non-primary')) return;
    if (source.standing.role === 'demoted' && source.standing.by === 'peer') return;
    if (target.standing.role === 'demoted' && target.standing.by === 'this-site') {
      // It can only follow who went on from its own demotion: else both wrote.
      const known = source.snapshots.some(
        ({ primarySnapshotId, primaryMirrorUuid }) =>
          `${primaryMirrorUuid}/${primarySnapshotId}` === markOf(from === 'east' ? 'west' : 'east', target),
      );
      if (source.standing.role !== 'primary') return;
      target.split = !known;
      if (target.split) return;
    }
    const state = newest.state === 'primary' ? 'non-primary' : 'non-primary-demoted';
    this.#id += 1;
    const shape = { at: this.now, complete: true, waitingPeers: [], copiedObjects: 1 };
    target.snapshots.unshift({ id: String(this.#id), state, primaryMirrorUuid: from, primarySnapshotId: newest.id, ...shape });
    target.data = source.held.get(newest.id) ?? 0;
    target.standing =
      state === 'non-primary'
        ? { role: 'secondary', peer: from }
        : { role: 'demoted', by: 'peer', mark: `${from}/${newest.id}`, complete: true };
    source.snapshots = source.snapshots.map((snapshot) => ({ ...snapshot, waitingPeers: [] }));
  }

  #resynced(from: SiteName, to: SiteName, image: string): void {
    const source = this.copy(from, image);
    if (source === undefined) return;
    const target = freshCopy({ role: 'secondary', peer: from });
    this[to].copies.set(image, target);
    this.#lost.delete(image);
    this.#copyOver(from, source, target);
  }

  #see(name: SiteName): SiteSeen {
    const { truth, reachable, silentSince, looks, copies } = this[name];
    if (!reachable) {
      const failure = new Failure('unreachable', 'MONITORS_SILENT', 'no monitor answered');
      const silent = { looks, since: silentSince ?? this.now };
      return { site: name, failure, answeredAt: this.now, silent, truth: undefined, pools: new Map() };
    }
    const images = [...copies].map(([image, copy]) => factsOf(image, copy));
    const peer = name === 'east' ? 'west' : 'east';
    const pool: PoolFacts = {
      fsid: name,
      at: this.now,
      mode: 'image',
      mirrorUuid: name,
      peers: [{ uuid: peer, siteName: peer, direction: 'rx-tx', mirrorUuid: peer, user: 'x', lastSeen: this.now }],
      daemons: ['1'],
      images,
    };
    return { site: name, failure: undefined, answeredAt: this.now, silent: undefined, truth, pools: new Map([['rbd', pool]]) };
  }
}

function markOf(name: SiteName, { snapshots }: Copy): string {
  const demoted = snapshots.find(({ state }) => state === 'primary-demoted');
  return `${name}/${demoted?.id ?? ''}`;
}

function factsOf(image: string, copy: Copy): ImageFacts {
  const status = copy.split
    ? { mirrorUuid: '', up: true, state: 'error' as const, description: 'split-brain', at: 0 }
    : { mirrorUuid: '', up: true, state: 'replaying' as const, description: 'replaying', at: 0 };
  const { standing, snapshots, resyncAsked } = copy;
  const detail = {
    standing,
    size: 0n,
    snapshots,
    resyncAsked,
    parent: undefined,
    policy: 'gold',
    halfMoved: copy.half,
    exposed: false,
  };
  return { image, id: image, globalId: image, mode: 'snapshot', state: 'enabled', statuses: [status], detail };
}

function freshCopy(standing: Standing): Copy {
  return { standing, snapshots: [], data: 0, held: new Map(), split: false, resyncAsked: false, half: false };
}

function emptySite(): Site {
  return { truth: undefined, reachable: true, silentSince: undefined, looks: 0, copies: new Map() };
}
