/**
 * The seat of the agents for one connection: who serves now, and who served before.
 *
 * Replace, then retire. An agent that is stuck, or whose answers cannot be trusted any more, gets no new calls: a fresh one
 * takes them, and the old one drains, for a grace that is longer than the longest chain of time-outs. One that drained and
 * left nothing open leaves by itself: what was late in it only looked, or came back. All others are killed, and whoever ends
 * with something unsettled (a change that Ceph gave no answer to, or that it was still at) is cut off from Ceph (blocklisted)
 * by a living one before its calls count as settled: what an OSD that was away still has of it in its queue must not land
 * on top of what comes later. So while the monitors are silent it waits. Where nobody may cut it off (its key was taken
 * away) it counts as over when no creator lives any more, and where nobody can (the monitors are elsewhere by now) after an
 * hour.
 */
import { Failure } from '#lib/failure';
import type { Log, Scope } from '#lib/scope';
import { AgentProcess, type AgentProgram } from './agent-process.ts';
import type { Opening } from './wire.ts';

/** From a cut-off that failed to the next attempt; a new agent does not wait for it. */
const FENCE_AGAIN_MS = 5000;
/** Longer than anything of a dead agent may wait in an OSD's queue. */
const FORGOTTEN_MS = 3_600_000;
/** From the start of an agent that could not connect to the next: what calls ask meanwhile is answered by its refusal. */
const START_AGAIN_MS = 1000;
/** For agents to leave by themselves when all is ended. */
const END_MS = 4000;

export interface SeatSettings {
  readonly program: AgentProgram;
  readonly opening: Opening;
  /** Calls in flight; more are refused. */
  readonly maxInFlight: number;
  /** Milliseconds from retirement to the kill. */
  readonly grace: number;
  /** Milliseconds that an agent serves at least before the next replaces it, so that an outage makes no crowd. */
  readonly minimumService: number;
  /** Retired agents at once; the oldest is killed for the next. */
  readonly maxRetired: number;
  /** Milliseconds without a sign of progress after which long work counts as hung; 0 where calls have deadlines. */
  readonly silence: number;
}

/** Why an agent was started: no other was there, the one before got no answers, or it died. */
export type StartCause = 'first' | 'stuck' | 'died';

/** Told what becomes of agents; for metrics. */
export interface AgentEvents {
  started(cluster: string, why: StartCause): void;
  /** `outcome`: `ok`, or the kind of the failure. */
  called(cluster: string, call: { readonly operation: string; readonly outcome: string; readonly seconds: number }): void;
  inFlight(cluster: string, calls: number): void;
}

export class Seat {
  readonly #settings: SeatSettings;
  readonly #log: Log;
  readonly #events: AgentEvents;
  #current: AgentProcess | undefined;
  #renewal: NodeJS.Timeout | undefined;
  readonly #retired = new Set<AgentProcess>();
  /** With the time at which each was found dead. */
  readonly #unfenced = new Map<AgentProcess, number>();
  #fencing = false;
  #ending = false;
  #cause: StartCause = 'first';
  #inFlight = 0;
  usedAt = Date.now();

  constructor(settings: SeatSettings, log: Log, events: AgentEvents) {
    this.#settings = settings;
    this.#log = log;
    this.#events = events;
  }

  get #cluster(): string {
    return this.#settings.opening.connection.cluster;
  }

  get #site(): string {
    const { cluster, site } = this.#settings.opening.connection;
    return `${cluster} at ${site}`;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** True when nothing is left that anyone waits for. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#retired.size === 0 && this.#unfenced.size === 0 && (this.#current?.inFlight ?? 0) === 0;
  }

  async call(operation: string, args: unknown, scope: Pick<Scope, 'deadline'>): Promise<unknown> {
    if (this.#inFlight >= this.#settings.maxInFlight) {
      throw new Failure('busy', 'TOO_MANY_CALLS', `${this.#inFlight} calls to ${this.#site} are in progress already`);
    }
    this.usedAt = Date.now();
    const agent = this.#serving();
    this.#countInFlight(1);
    try {
      return await this.#count(operation, () => agent.call(operation, args, scope));
    } finally {
      this.#countInFlight(-1);
      this.usedAt = Date.now();
      this.#renewSoon(agent);
    }
  }

  /** Replaces a spoiled agent without waiting for a call: the one that would come may wait for what this one holds. */
  #renewSoon(agent: AgentProcess): void {
    if (this.#renewal !== undefined || this.#current !== agent || !agent.spoiled) return;
    const renew = (): void => {
      this.#renewal = undefined;
      if (!this.#current?.spoiled || this.#ending) return;
      this.#renewSoon(this.#serving());
    };
    const wait = Math.max(0, agent.startedAt + this.#settings.minimumService - Date.now());
    this.#renewal = setTimeout(renew, wait + 1).unref();
  }

  #countInFlight(change: number): void {
    this.#inFlight += change;
    this.#events.inFlight(this.#cluster, this.#inFlight);
  }

  async #count(operation: string, run: () => Promise<unknown>): Promise<unknown> {
    const begun = performance.now();
    let outcome = 'ok';
    try {
      return await run();
    } catch (error) {
      outcome = error instanceof Failure ? error.kind : 'unforeseen';
      throw error instanceof Failure ? error.at(this.#site) : error;
    } finally {
      this.#events.called(this.#cluster, { operation, outcome, seconds: (performance.now() - begun) / 1000 });
    }
  }

  /** The agent for a new call: the current one while it can be trusted, or has not served long enough to be replaced. */
  #serving(): AgentProcess {
    const current = this.#current;
    if (current === undefined) return this.#start();
    const served = Date.now() - current.startedAt;
    if (current.hasEnded) return served < START_AGAIN_MS ? current : this.#start();
    if (!current.spoiled || served < this.#settings.minimumService) return current;
    this.#retire(current);
    return this.#start();
  }

  #start(): AgentProcess {
    const agent = new AgentProcess(this.#settings.program, this.#settings.opening, this.#log);
    this.#current = agent;
    this.#events.started(this.#cluster, this.#cause);
    this.#cause = 'first';
    if (this.#settings.silence > 0) this.#watch(agent);
    void agent.ended.then(() => this.#bury(agent));
    agent.opened.then(
      () => void this.#fenceAll(agent),
      () => undefined,
    );
    return agent;
  }

  #retire(agent: AgentProcess): void {
    this.#log.warn({ agent: agent.pid, inFlight: agent.inFlight }, 'an agent is replaced: Ceph did not answer it in time');
    this.#cause = 'stuck';
    this.#retired.add(agent);
    this.#current = undefined;
    const [oldest] = this.#retired;
    if (this.#retired.size > this.#settings.maxRetired) oldest?.kill();
    const giveUpAt = Date.now() + this.#settings.grace;
    const timer = setInterval(() => {
      if (agent.hasEnded) clearInterval(timer);
      else if (Date.now() > giveUpAt || (agent.inFlight === 0 && agent.isUnsettled)) agent.kill();
      else if (agent.inFlight === 0) agent.end();
    }, 200);
    timer.unref();
  }

  /** Kills an agent for long work that has calls and shows no progress. */
  #watch(agent: AgentProcess): void {
    const timer = setInterval(() => {
      if (agent.hasEnded) clearInterval(timer);
      else if (agent.inFlight > 0 && Date.now() - Math.max(agent.movedAt, this.usedAt) > this.#settings.silence) agent.kill();
    }, 1000);
    timer.unref();
  }

  #bury(agent: AgentProcess): void {
    const wasRetired = this.#retired.delete(agent);
    // One that never was connected answers for a moment: a fresh one would hardly fare better.
    if (this.#current === agent && agent.address !== '') this.#current = undefined;
    if (agent.died && !wasRetired) this.#cause = 'died';
    // At the end of the process nobody asks again, so there is nobody to keep from it.
    if (!agent.isUnsettled || agent.address === '' || this.#ending) {
      agent.settle();
      return;
    }
    this.#unfenced.set(agent, Date.now());
    void this.#fenceAll(this.#current);
  }

  /** Cuts off the dead one after the other, by whichever agent lives. */
  async #fenceAll(by: AgentProcess | undefined): Promise<void> {
    if (this.#fencing || this.#ending || this.#unfenced.size === 0) return;
    this.#fencing = true;
    try {
      const refused = await this.#fenceEach(by ?? this.#serving());
      this.#letGoOfOld(refused ? this.#settings.opening.creatorLife * 1000 : FORGOTTEN_MS);
    } catch (error) {
      this.#log.warn({ err: error }, 'no agent could be started to cut off a dead one; it is tried again');
    } finally {
      this.#fencing = false;
    }
    if (this.#unfenced.size > 0 && !this.#ending) setTimeout(() => void this.#fenceAll(undefined), FENCE_AGAIN_MS).unref();
  }

  /** True when Ceph refuses to. */
  async #fenceEach(living: AgentProcess): Promise<boolean> {
    for (const dead of this.#unfenced.keys()) {
      const outcome = await living.fence(dead.address);
      if (outcome !== 'done') return outcome === 'refused';
      this.#over(dead);
    }
    return false;
  }

  /** For ever would mean that what its calls hold is never let go of, and a new agent every few seconds. */
  #letGoOfOld(life: number): void {
    for (const [dead, since] of this.#unfenced) {
      if (Date.now() - since < life) continue;
      this.#log.warn({ agent: dead.pid, address: dead.address }, 'a dead agent could not be cut off, and is too old to matter');
      this.#over(dead);
    }
  }

  #over(dead: AgentProcess): void {
    this.#unfenced.delete(dead);
    dead.settle();
  }

  /** Lets every agent go; resolves when the processes are gone. */
  async end(): Promise<void> {
    this.#ending = true;
    const agents = [...this.#retired, ...(this.#current === undefined ? [] : [this.#current])];
    for (const agent of this.#retired) agent.kill();
    this.#current?.end();
    const killer = setTimeout(() => {
      for (const agent of agents) agent.kill();
    }, END_MS);
    await Promise.all(agents.map((agent) => agent.ended));
    clearTimeout(killer);
  }
}
