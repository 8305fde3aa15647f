/** What a policy's plan does, in a world of two sites: the interlocks, one by one, and then every order of events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observation } from '../../src/operator/mirror/observation.ts';
import { type Plan, plan, type Step } from '../../src/operator/mirror/plan.ts';
import type { Want } from '../../src/operator/mirror/want.ts';
import { aWant, type SiteName, World } from './world.ts';

/** Passes until nothing is left to do, with daemons that replay; the names of the steps that were taken. */
function settle(world: World, want: Want, passes = 40): string[] {
  const taken: string[] = [];
  for (let count = 0; count < passes; count += 1) {
    for (const step of world.planFor(want).steps) {
      world.take(step);
      taken.push(nameOf(step));
    }
    for (const image of world.written.keys()) world.replay(image);
    world.pass(1000);
  }
  return taken;
}

function nameOf(step: Step): string {
  return step.do === 'peer' ? 'peer' : `${step.do} ${step.site}`;
}

function steady(images: readonly string[] = ['a', 'b']): World {
  const world = new World(images);
  settle(world, aWant(), 5);
  return world;
}

function blockedBy(found: Plan): string {
  return found.blocked?.reason ?? 'nothing';
}

test('a first pass writes down at both sites who is primary, and does nothing else', () => {
  const world = new World(['a']);

  const { steps, phase } = world.planFor(aWant());

  assert.equal(phase, 'Peering');
  assert.deepEqual(steps.map(nameOf), ['write-truth east', 'write-truth west']);
});

test('one site alone does not decide who is primary', () => {
  const world = new World(['a']);
  world.away('west');

  const found = world.planFor(aWant());

  assert.deepEqual([blockedBy(found), found.steps], ['SiteUnreachable', []]);
});

test('a planned move: intent at both, demote, promote, commit at the new site first', () => {
  const world = steady();
  world.write('a');

  const taken = settle(world, aWant({ primarySite: 'west', epoch: 2 }), 8);

  assert.deepEqual(taken, [
    'write-truth east',
    'write-truth west',
    'demote east',
    'promote west',
    'write-truth west',
    'write-truth east',
  ]);
  assert.deepEqual([world.primaries('a'), world.copy('west', 'a')?.data, world.broken], [['west'], 1, []]);
});

test('I1: a planned move whose other site dies waits, and is never forced by itself', () => {
  const world = steady();
  const want = aWant({ primarySite: 'west', epoch: 2 });
  for (const step of world.planFor(want).steps) world.take(step);
  world.away('east');

  const taken = settle(world, want);

  assert.deepEqual(taken, []);
  assert.equal(blockedBy(world.planFor(want)), 'PeerUnreachable');
});

test('I2: nothing is forced away from a site that answers, whatever loss is accepted', () => {
  const world = steady();
  const want = aWant({ primarySite: 'west', epoch: 2, accepted: { epoch: 2, upTo: 1e9, unknown: true } });

  const found = world.planFor(want);

  assert.deepEqual([blockedBy(found), found.steps], ['PeerIsPrimaryAndReachable', []]);
});

test('I2: one unanswered look is not the end of a site', () => {
  const world = steady();
  world.away('east');
  world.pass(1000);

  const found = world.planFor(aWant({ primarySite: 'west', epoch: 2, accepted: { epoch: 2, upTo: 1e9, unknown: true } }));

  assert.equal(blockedBy(found), 'PeerNotSilentLongEnough');
});

const LOSSES: Record<string, { accepted: Want['accepted']; says: string }> = {
  'I3: without acceptance nothing is forced': { accepted: undefined, says: 'PeerUnreachable' },
  'I3: an acceptance for another epoch counts for nothing': {
    accepted: { epoch: 1, upTo: 1e9, unknown: true },
    says: 'PeerUnreachable',
  },
  'I3: a loss that nobody can tell is not within a bound': {
    accepted: { epoch: 2, upTo: 1e9, unknown: false },
    says: 'LossUnknown',
  },
};

for (const [name, { accepted, says }] of Object.entries(LOSSES)) {
  test(name, () => {
    const world = steady();
    world.away('east');
    for (let look = 0; look < 5; look += 1) world.pass(10_000);

    const found = world.planFor(aWant({ primarySite: 'west', epoch: 2, accepted }));

    assert.deepEqual([blockedBy(found), found.steps], [says, []]);
  });
}

test('I3: an acceptance is spent by its move: the next move is a planned one again', () => {
  const world = steady();
  world.away('east');
  for (let look = 0; look < 5; look += 1) world.pass(10_000);
  const accepted = { epoch: 2, upTo: 1e9, unknown: true };
  settle(world, aWant({ primarySite: 'west', epoch: 2, accepted }));

  const found = world.planFor(aWant({ primarySite: 'east', epoch: 3, accepted }));

  assert.equal(world.west.truth?.epoch, 2);
  assert.equal(blockedBy(found), 'PeerUnreachable');
});

test('I4: what was never copied whole is left out of a forced move, and the others go', () => {
  const world = steady(['a', 'b']);
  const copy = world.copy('west', 'b');
  assert.ok(copy);
  copy.snapshots = [];
  world.away('east');
  for (let look = 0; look < 5; look += 1) world.pass(10_000);

  settle(world, aWant({ primarySite: 'west', epoch: 2, accepted: { epoch: 2, upTo: 1e9, unknown: true } }));

  assert.deepEqual([copy.standing.role, world.copy('west', 'a')?.standing.role], ['secondary', 'primary']);
  assert.equal(world.west.truth?.primarySite, 'west');
});

test('I5: a site that comes back is demoted and copied anew, only where the policy says so', () => {
  for (const resyncOnReturn of [true, false]) {
    const world = steady(['a']);
    world.write('a');
    world.away('east');
    for (let look = 0; look < 5; look += 1) world.pass(10_000);
    const want = aWant({ primarySite: 'west', epoch: 2, resyncOnReturn, accepted: { epoch: 2, upTo: 1e9, unknown: true } });
    settle(world, want);
    world.back('east');

    const taken = settle(world, want);

    assert.equal(world.east.truth?.epoch, 2);
    assert.deepEqual([taken.includes('demote east'), taken.includes('resync east')], [resyncOnReturn, resyncOnReturn]);
    assert.deepEqual(world.primaries('a'), resyncOnReturn ? ['west'] : ['east', 'west']);
    assert.deepEqual(world.broken, []);
  }
});

test('I5: a stale object throws nothing away, whatever it says of sites that come back', () => {
  const world = steady(['a']);
  world.write('a');
  world.away('east');
  for (let look = 0; look < 5; look += 1) world.pass(10_000);
  settle(world, aWant({ primarySite: 'west', epoch: 2, accepted: { epoch: 2, upTo: 1e9, unknown: true } }));
  world.back('east');

  const taken = settle(world, aWant({ primarySite: 'east', epoch: 1, resyncOnReturn: true }));

  assert.deepEqual([taken.includes('demote east'), taken.includes('resync east')], [false, false]);
  assert.deepEqual(world.primaries('a'), ['east', 'west']);
});

test('a lost site that comes back in mid-move: what is left is moved without loss, and what was forced is copied anew', () => {
  const world = steady(['a', 'b']);
  world.away('east');
  for (let look = 0; look < 5; look += 1) world.pass(10_000);
  const want = aWant({ primarySite: 'west', epoch: 2, accepted: { epoch: 2, upTo: 1e9, unknown: true } });
  for (const step of world.planFor(want).steps) world.take(step);
  for (const step of world.planFor(want).steps) world.take(step, 1);
  world.back('east');
  world.write('b');

  const taken = settle(world, want);

  assert.deepEqual([world.primaries('a'), world.primaries('b'), world.broken], [['west'], ['west'], []]);
  assert.deepEqual([taken.includes('resync east'), world.copy('west', 'b')?.data], [true, 1]);
  assert.deepEqual([world.east.truth?.epoch, world.west.truth?.epoch], [2, 2]);
});

test('a target that dies in mid-move: with an acceptance for the next epoch its volumes go on where they came from', () => {
  const world = steady(['a', 'b']);
  world.write('a');
  const move = aWant({ primarySite: 'west', epoch: 2 });
  for (let pass = 0; pass < 2; pass += 1) for (const step of world.planFor(move).steps) world.take(step);
  assert.deepEqual([world.primaries('a'), world.east.truth?.intent?.to], [[], 'west']);
  world.away('west');
  for (let look = 0; look < 5; look += 1) world.pass(10_000);

  const back = { primarySite: 'east', epoch: 3 } as const;
  const without = settle(world, aWant(back), 3);
  const taken = settle(world, aWant({ ...back, accepted: { epoch: 3, upTo: 60, unknown: true } }));
  world.back('west');
  settle(world, aWant(back));

  assert.deepEqual(without, []);
  assert.deepEqual(taken.slice(0, 3), ['write-truth east', 'force east', 'write-truth east']);
  assert.deepEqual([world.primaries('a'), world.copy('east', 'a')?.data, world.broken], [['east'], 1, []]);
  assert.equal(world.west.truth?.epoch, 3);
});

test('two primaries that no move explains are shown and left as they are', () => {
  const world = steady(['a']);
  const copy = world.copy('west', 'a');
  assert.ok(copy);
  copy.standing = { role: 'primary' };

  const taken = settle(world, aWant()).filter((step) => !step.startsWith('snapshot'));
  const moved = world.planFor(aWant({ primarySite: 'west', epoch: 2 }));

  assert.deepEqual(taken, []);
  assert.equal(blockedBy(moved), 'SplitBrain');
});

test('I12: a target that changes in mid-move is looked at when the move is done', () => {
  const world = steady(['a', 'b']);
  const want = aWant({ primarySite: 'west', epoch: 2 });
  while (world.primaries('a')[0] !== 'west') {
    for (const step of world.planFor(want).steps) world.take(step, step.do === 'promote' ? 1 : undefined);
    for (const image of ['a', 'b']) world.replay(image);
  }
  assert.deepEqual(world.primaries('b'), []);

  const taken = settle(world, aWant({ primarySite: 'east', epoch: 3 }), 40);

  assert.deepEqual(taken.slice(0, 3), ['promote west', 'write-truth west', 'write-truth east']);
  assert.deepEqual([world.primaries('a'), world.primaries('b'), world.broken], [['east'], ['east'], []]);
});

test('a promote that was killed half-way is finished, and nothing but its flag is touched', () => {
  const world = steady(['a']);
  world.write('a');
  const want = aWant({ primarySite: 'west', epoch: 2 });
  while (world.copy('west', 'a')?.standing.role !== 'primary') {
    world.killed = world.planFor(want).steps.some(({ do: name }) => name === 'promote');
    for (const step of world.planFor(want).steps) world.take(step);
    world.replay('a');
  }
  assert.equal(world.copy('west', 'a')?.half, true);

  const taken = settle(world, want, 5);

  assert.deepEqual(taken.slice(0, 3), ['promote west', 'write-truth west', 'write-truth east']);
  assert.deepEqual([world.copy('west', 'a')?.half, world.copy('west', 'a')?.data, world.broken], [false, 1, []]);
});

test('until the first promote a move can be taken back, and nothing is lost', () => {
  const world = steady(['a', 'b']);
  const want = aWant({ primarySite: 'west', epoch: 2 });
  world.write('a');
  for (const step of world.planFor(want).steps) world.take(step);
  for (const step of world.planFor(want).steps) world.take(step, 1);
  assert.deepEqual(world.primaries('a'), []);

  const taken = settle(world, aWant({ primarySite: 'east', epoch: 3 }), 6);

  // That it goes back is written down before, and first where nothing may be promoted any more.
  const turned = ['write-truth west', 'write-truth east'];
  assert.deepEqual(taken, [...turned, 'promote east', 'write-truth east', 'write-truth west']);
  assert.deepEqual([world.primaries('a'), world.east.truth?.epoch, world.broken], [['east'], 3, []]);
});

test('frozen, nothing moves and nothing is mended; copies go on being made, and what is under way is ended', () => {
  const world = steady(['a']);
  const frozen = aWant({ primarySite: 'west', epoch: 2, freeze: true });

  world.pass(100_000);
  const taken = settle(world, frozen, 5);
  const blocked = blockedBy(world.planFor(frozen));
  world.demoteByHand('east', 'a');
  const mended = settle(world, frozen, 5);
  settle(world, aWant(), 3);
  for (const step of world.planFor(aWant({ primarySite: 'west', epoch: 2 })).steps) world.take(step);
  const ended = settle(world, frozen, 10);

  assert.deepEqual([[...new Set(taken)], blocked, mended], [['snapshot east'], 'Frozen', []]);
  assert.deepEqual([ended.includes('promote west'), world.primaries('a')], [true, ['west']]);
});

const STALE: Record<string, { want: Want; says: string }> = {
  'an older state of the object moves nothing, and says so': { want: aWant({ primarySite: 'east', epoch: 1 }), says: 'SpecStale' },
  'the same epoch with another site moves nothing': { want: aWant({ primarySite: 'east', epoch: 2 }), says: 'EpochMismatch' },
  'an epoch that leaves one out moves nothing': { want: aWant({ primarySite: 'east', epoch: 9 }), says: 'EpochMismatch' },
};

for (const [name, { want, says }] of Object.entries(STALE)) {
  test(name, () => {
    const world = steady(['a']);
    settle(world, aWant({ primarySite: 'west', epoch: 2 }));

    const taken = settle(world, want).filter((step) => !step.startsWith('snapshot'));

    assert.deepEqual([blockedBy(world.planFor(want)), taken, world.primaries('a')], [says, [], ['west']]);
  });
}

test('both sites at one epoch with different primaries: nobody acts', () => {
  const world = steady(['a']);
  const truth = world.west.truth;
  assert.ok(truth);
  world.west.truth = { ...truth, primarySite: 'west' };

  const found = world.planFor(aWant());

  assert.deepEqual([blockedBy(found), found.steps], ['EpochConflict', []]);
});

test('over and straight back: the second move waits until the first has settled', () => {
  const world = steady(['a']);
  const there = aWant({ primarySite: 'west', epoch: 2 });
  for (let pass = 0; pass < 4; pass += 1) {
    for (const step of world.planFor(there).steps) world.take(step);
    if (world.primaries('a').length === 0) world.replay('a');
  }
  assert.deepEqual(world.primaries('a'), ['west']);
  world.write('a');

  const early = world.planFor(aWant({ primarySite: 'east', epoch: 3 }));
  settle(world, aWant({ primarySite: 'east', epoch: 3 }));

  assert.match(blockedBy(early), /^Not(Settled|Replicating)$/);
  assert.deepEqual([world.primaries('a'), world.copy('east', 'a')?.data, world.broken], [['east'], 1, []]);
});

/** East is primary no more, west was for a moment, and east's daemon never came to see it. */
function overAndStraightBack(): World {
  const world = steady(['a']);
  const there = aWant({ primarySite: 'west', epoch: 2 });
  for (let pass = 0; pass < 4; pass += 1) {
    for (const step of world.planFor(there).steps) world.take(step);
    if (world.primaries('a').length === 0) world.replay('a');
  }
  world.write('a');
  world.demoteByHand('west', 'a');
  return world;
}

for (const [to, epoch] of [
  ['west', 2],
  ['east', 3],
] as const) {
  test(`both demoted, and east cannot see what west was written: west goes on, and nothing is lost on the way to ${to}`, () => {
    const world = overAndStraightBack();
    for (let times = 0; times < 5; times += 1) world.replay('a');
    const [east, west] = (['east', 'west'] as const).map((name) => world.copy(name, 'a')?.standing);
    assert.ok(east?.role === 'demoted' && west?.role === 'demoted' && east.by === 'this-site' && west.by === 'this-site');

    const taken = settle(world, aWant({ primarySite: to, epoch }));

    assert.equal(taken[0], 'promote west');
    assert.deepEqual([world.primaries('a'), world.copy(to, 'a')?.data, world.broken], [[to], 1, []]);
  });
}

test('the same in the middle of a move: what is demoted too early goes on once more where it was', () => {
  const world = overAndStraightBack();
  const back = { kind: 'planned', to: 'east', epoch: 3, since: 0, acceptedLoss: undefined } as const;
  for (const site of [world.east, world.west]) {
    assert.ok(site.truth);
    site.truth = { ...site.truth, intent: back };
  }

  const taken = settle(world, aWant({ primarySite: 'east', epoch: 3 })).filter((step) => !step.startsWith('snapshot'));

  assert.deepEqual(taken, ['promote west', 'demote west', 'promote east', 'write-truth east', 'write-truth west']);
  assert.deepEqual([world.primaries('a'), world.copy('east', 'a')?.data, world.broken], [['east'], 1, []]);
});

test('a volume demoted by hand is promoted again where the sites agreed that it is', () => {
  const world = steady(['a']);
  world.demoteByHand('east', 'a');

  const taken = settle(world, aWant(), 3);

  assert.deepEqual([taken[0], world.primaries('a')], ['promote east', ['east']]);
});

test('what takes writes without being primary is closed', () => {
  const world = steady(['a']);
  const seen = world.observe(aWant());
  const pool = seen.there.pools.get('rbd');
  assert.ok(pool);
  const images = pool.images.map((image) => ({ ...image, detail: image.detail && { ...image.detail, exposed: true } }));
  const there = { ...seen.there, pools: new Map([['rbd', { ...pool, images }]]) };

  const { steps } = plan(aWant(), { ...seen, there }, { left: new Set(), peersDue: false });

  assert.deepEqual(steps.map(nameOf), ['demote west']);
});

/** A small generator of its own, so that a failure is repeated by its number. */
function numbers(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

const WALKS = process.env['LOLIGO_SOAK'] === '1' ? 20_000 : 500;

test(`whatever happens in whatever order, nothing is lost that nobody accepted, and it converges (${WALKS} walks)`, () => {
  for (let seed = 1; seed <= WALKS; seed += 1) walk(seed);
});

/**
 * Moves there and back, with crashes in the middle of steps, sites that go away and come back, writes, daemons that take their time,
 * demotes by hand, and an operator that wakes up with the plan of long ago.
 */
function walk(seed: number): void {
  const next = numbers(seed);
  const world = steady(['a', 'b']);
  old = undefined;
  let want = aWant();
  for (let event = 0; event < 60; event += 1) {
    want = happen(world, want, next);
    assert.deepEqual(world.broken, [], `seed ${seed}`);
    for (const name of ['a', 'b']) assert.ok(isOne(world, name), `seed ${seed}: two primaries`);
  }
  for (const name of ['east', 'west'] as const) world.back(name);
  converge(world, want, seed);
}

/** Two are one too many, unless one of them was given up and has not come back or not been told. */
function isOne(world: World, image: string): boolean {
  return world.primaries(image).length <= 1 || world.wasForced(image);
}

/** What the sleeping operator meant to do. */
let old: { readonly seen: Observation; readonly steps: readonly Step[] } | undefined;

/** It falls asleep with a plan, or wakes up. */
function oversleep(world: World, want: Want): void {
  if (old === undefined) {
    const seen = world.observe(want);
    old = { seen, steps: plan(want, seen, { left: new Set(), peersDue: false }).steps };
    return;
  }
  for (const step of old.steps) world.takeLate(step, old.seen);
  old = undefined;
}

/** One event; what is wanted afterwards. */
function happen(world: World, want: Want, next: (below: number) => number): Want {
  const image = next(2) === 0 ? 'a' : 'b';
  const site: SiteName = next(2) === 0 ? 'east' : 'west';
  const event = next(14);
  if (event === 0) world.write(image);
  else if (event <= 2) world.replay(image);
  else if (event === 3) return otherWant(world, want, { site, more: next(2), isAccepted: next(4) === 0 });
  else if (event === 4) world.away(site);
  else if (event <= 6) world.back(site);
  else if (event === 7) world.demoteByHand(site, image);
  else if (event === 8) oversleep(world, want);
  else takeSome(world, want, next);
  return want;
}

interface Wish {
  readonly site: SiteName;
  readonly more: number;
  /** The loss, whatever it is. */
  readonly isAccepted: boolean;
}

function otherWant(world: World, want: Want, { site, more, isAccepted }: Wish): Want {
  const epoch = Math.max(epochOf(world), want.epoch) + more;
  const accepted = isAccepted ? { epoch, upTo: 1e9, unknown: true } : undefined;
  return epoch > want.epoch ? aWant({ primarySite: site, epoch, accepted }) : want;
}

function epochOf({ east, west }: World): number {
  return Math.max(east.truth?.epoch ?? 1, west.truth?.epoch ?? 1);
}

/** A pass that may be cut off before a step, or within one. */
function takeSome(world: World, want: Want, next: (below: number) => number): void {
  const { steps } = world.planFor(want);
  const cut = next(3) === 0 ? next(steps.length + 1) : steps.length;
  world.killed = next(6) === 0;
  for (const step of steps.slice(0, cut)) world.take(step, next(4) === 0 ? 1 : undefined);
  world.pass(next(5000));
}

/** Left in peace, what is under way ends, and the next move is made. */
function converge(world: World, want: Want, seed: number): void {
  settle(world, want, 30);
  settle(world, aWant({ primarySite: world.east.truth?.primarySite ?? 'east', epoch: Math.max(epochOf(world), want.epoch) }), 30);
  const last = aWant({ primarySite: 'west', epoch: epochOf(world) + 1 });
  settle(world, last, 40);
  for (const name of ['a', 'b']) {
    assert.deepEqual(world.primaries(name), ['west'], `seed ${seed}: ${JSON.stringify(world.planFor(last).blocked)}`);
    assert.equal(world.copy('west', name)?.half, false, `seed ${seed}: read-only`);
    assert.equal(world.copy('west', name)?.data, world.written.get(name), `seed ${seed}`);
  }
  assert.deepEqual(world.broken, [], `seed ${seed}`);
}
