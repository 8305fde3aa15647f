/**
 * `loligo mirror …`: what MirrorPolicy objects say and do, from a shell. Each command changes the object and nothing else: the
 * operator acts, and these lines show what it says of that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#lib/failure';

/** A MirrorPolicy, as far as the commands look at it. */
export interface PolicyView {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly sites: readonly string[]; readonly primarySite: string; readonly epoch: number };
  readonly status?: {
    readonly epoch?: number;
    readonly primarySite?: string;
    readonly phase?: string;
    readonly lossIfForced?: string;
    readonly step?: { readonly name: string; readonly done: number; readonly total: number; readonly blockedBy?: string };
    readonly sites?: readonly { readonly name: string; readonly reachable: boolean; readonly message?: string }[];
    readonly volumes?: { readonly summary: string };
    readonly lag?: { readonly max: string; readonly behind?: string };
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

export interface Policies {
  list(): Promise<readonly PolicyView[]>;
  /** Throws `not-found`. */
  get(name: string): Promise<PolicyView>;
  /** Changes fields of the spec. */
  change(name: string, spec: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface MirrorCommand {
  readonly verb: string;
  /** What stands behind the verb: a policy, and for moves a site. */
  readonly names: readonly string[];
  /** `--accept-loss`: a duration, '' when not given. */
  readonly acceptLoss: string;
  /** `--accept-unknown` */
  readonly acceptUnknown: boolean;
}

type Lines = AsyncGenerator<string, void>;

const COMMANDS: Readonly<Record<string, { readonly help: string; run(policies: Policies, command: MirrorCommand): Lines }>> = {
  status: { help: 'status [POLICY]                    how all policies fare, or one with all that is known', run: status },
  plan: { help: 'plan POLICY SITE                   what a move would do, and what it waits for', run: plan },
  switchover: { help: 'switchover POLICY SITE             moves everything; both sites live, nothing is lost', run: switchover },
  rollback: { help: 'rollback POLICY                    takes back a planned move that has promoted nothing yet', run: rollback },
  failover: { help: 'failover POLICY SITE --accept-loss 2m [--accept-unknown]   the other site is lost', run: failover },
  resync: {
    help: 'resync POLICY                      lets copies at a site that came back be thrown away and made anew',
    run: resync,
  },
};

/** The lines to print, as they come. */
export async function* runMirrorCommand(policies: Policies, command: MirrorCommand): Lines {
  const known = Object.hasOwn(COMMANDS, command.verb) ? COMMANDS[command.verb] : undefined;
  if (known === undefined) throw new Failure('invalid', 'COMMAND_UNKNOWN', usage());
  yield* known.run(policies, command);
}

function usage(): string {
  return ['usage: loligo mirror COMMAND', ...Object.values(COMMANDS).map(({ help }) => `  ${help}`)].join('\n');
}

async function* status(policies: Policies, { names: [name] }: MirrorCommand): Lines {
  if (name !== undefined) {
    yield* describe(await policies.get(name));
    return;
  }
  yield row('POLICY', 'PRIMARY', 'PHASE', 'VOLUMES', 'LAG', 'LOSS IF FORCED');
  for (const { metadata, status: seen = {} } of await policies.list()) {
    yield row(metadata.name, seen.primarySite, seen.phase, seen.volumes?.summary, seen.lag?.max, seen.lossIfForced);
  }
}

function row(...cells: readonly (string | undefined)[]): string {
  return cells
    .map((cell) => (cell ?? '-').padEnd(15))
    .join(' ')
    .trimEnd();
}

function* describe({ metadata, spec, status: seen = {} }: PolicyView): Generator<string, void> {
  yield `${metadata.name}: ${seen.phase ?? 'not looked at yet'}, primary at ${seen.primarySite ?? '-'} since epoch ${seen.epoch ?? '-'}`;
  if (seen.step !== undefined) yield stepLine(seen.step);
  yield `volumes ${seen.volumes?.summary ?? '-'}, lag ${lagOf(seen)}, loss if forced ${seen.lossIfForced ?? '-'}`;
  for (const site of seen.sites ?? [])
    yield `site ${site.name}: ${site.reachable ? 'answers' : `does not answer: ${site.message}`}`;
  for (const { type, status: holds, reason, message } of seen.conditions ?? [])
    yield `${type} ${holds}: ${reason} ${message}`.trimEnd();
  if (spec.epoch < (seen.epoch ?? 0)) yield `the object is stale: it says epoch ${spec.epoch}, and moves nothing`;
}

function lagOf({ lag }: NonNullable<PolicyView['status']>): string {
  if (lag === undefined) return '-';
  return lag.behind === undefined ? lag.max : `${lag.max} (${lag.behind})`;
}

function stepLine({ name, done, total, blockedBy }: NonNullable<NonNullable<PolicyView['status']>['step']>): string {
  return `${name} ${done}/${total}${blockedBy === undefined ? '' : `, waiting: ${blockedBy}`}`;
}

async function* plan(policies: Policies, { names }: MirrorCommand): Lines {
  const { policy, site } = await target(policies, names);
  const { status: seen = {} } = policy;
  const epoch = (seen.epoch ?? 0) + 1;
  const safe = seen.conditions?.find(({ type }) => type === 'SafeToSwitchover');
  yield `from ${seen.primarySite} to ${site}, epoch ${epoch}, volumes ${seen.volumes?.summary ?? '-'}`;
  yield '  S0 the intent is written down at both sites';
  yield `  S3 volumes are demoted at ${seen.primarySite}: who writes is stopped first`;
  yield `  S4 each demotion arrives whole at ${site}`;
  yield `  S5 volumes are promoted at ${site}, without force: from the first on it only goes forward`;
  yield '  S6 the new epoch is written down at both sites';
  yield safe?.status === 'True'
    ? 'nothing is in the way'
    : `in the way: ${safe?.reason ?? 'not looked at yet'} ${safe?.message ?? ''}`.trimEnd();
  yield `by force it would lose ${seen.lossIfForced ?? 'nobody knows how much'}`;
}

async function* switchover(policies: Policies, { names }: MirrorCommand): Lines {
  const { policy, site } = await target(policies, names);
  const safe = policy.status?.conditions?.find(({ type }) => type === 'SafeToSwitchover');
  if (safe?.status !== 'True') {
    throw new Failure(
      'precondition',
      'SWITCHOVER_UNSAFE',
      `${safe?.reason ?? 'NotSeen'}: ${safe?.message ?? 'the operator has not looked yet'}`,
    );
  }
  yield* move(policies, policy, { primarySite: site });
}

async function* rollback(policies: Policies, { names: [name = ''] }: MirrorCommand): Lines {
  const policy = await policies.get(name);
  const { status: seen = {}, spec } = policy;
  if (seen.primarySite === undefined || spec.primarySite === seen.primarySite || spec.epoch !== (seen.epoch ?? 0) + 1) {
    throw new Failure('precondition', 'SWITCHOVER_UNSAFE', `${name} is not being moved`);
  }
  yield `back to ${seen.primarySite}, unless the first volume is promoted at ${spec.primarySite} already: then the move is ended first`;
  yield* follow(policies, name, { primarySite: seen.primarySite, epoch: spec.epoch + 1 });
}

async function* failover(policies: Policies, { names, acceptLoss, acceptUnknown }: MirrorCommand): Lines {
  const { policy, site } = await target(policies, names);
  const epoch = (policy.status?.epoch ?? 0) + 1;
  yield `loss if forced now: ${policy.status?.lossIfForced ?? 'unknown'}`;
  if (acceptLoss === '')
    throw new Failure('precondition', 'LOSS_NOT_ACCEPTED', 'give --accept-loss with the largest loss that is accepted');
  yield* move(policies, policy, { primarySite: site, acceptDataLoss: { epoch, upTo: acceptLoss, unknown: acceptUnknown } });
}

async function* resync(policies: Policies, { names: [name = ''] }: MirrorCommand): Lines {
  await policies.change(name, { onReturn: 'Resync' });
  yield `${name}: copies at the site that came back are thrown away and made anew`;
}

/** Throws `precondition` where there is nothing to move, or nowhere. */
async function target(
  policies: Policies,
  [name = '', site = '']: readonly string[],
): Promise<{ policy: PolicyView; site: string }> {
  const policy = await policies.get(name);
  if (!policy.spec.sites.includes(site)) {
    throw new Failure('precondition', 'SITE_UNKNOWN', `${name} has the sites ${policy.spec.sites.join(' and ')}, not "${site}"`);
  }
  if (policy.status?.epoch === undefined) throw new Failure('precondition', 'SWITCHOVER_UNSAFE', 'the operator has not looked yet');
  if (policy.status.primarySite === site)
    throw new Failure('precondition', 'SWITCHOVER_UNSAFE', `${site} is the primary site already`);
  return { policy, site };
}

async function* move(policies: Policies, { metadata, status: before }: PolicyView, spec: Readonly<Record<string, unknown>>): Lines {
  yield* follow(policies, metadata.name, { ...spec, epoch: (before?.epoch ?? 0) + 1 });
}

/** Changes the object, and shows what the operator says until the move is done. Ctrl-C ends the view and not the move. */
async function* follow(policies: Policies, name: string, spec: Readonly<Record<string, unknown>> & { epoch: number }): Lines {
  await policies.change(name, spec);
  for (let said = ''; ; await sleep(500)) {
    const { status: seen = {} } = await policies.get(name);
    const blocked = seen.conditions?.find(({ type, status: holds }) => type === 'Blocked' && holds === 'True');
    const step = seen.step === undefined ? '' : `: ${stepLine(seen.step)}`;
    const line = blocked === undefined ? `${seen.phase}${step}` : `${seen.phase}: ${blocked.reason} ${blocked.message}`;
    if (line !== said) yield line;
    said = line;
    if (seen.epoch === spec.epoch) return yield `primary at ${seen.primarySite}, epoch ${spec.epoch}`;
  }
}
