import { type ChildProcess, fork } from 'node:child_process';
import { Failure } from '#lib/failure';
import type { Log, Scope } from '#lib/scope';
import { PendingCall } from './pending-call.ts';
import { type Fenced, type FromAgent, type Opening, type ToAgent, unpackFailure } from './wire.ts';

/** How an agent is started. */
export interface AgentProgram {
  /** A module that calls `runAgent` when its first argument is `agent`. */
  readonly module: string;
  /** Threads for C calls that block. */
  readonly threads: number;
  /** Flags of V8 and Node. */
  readonly nodeFlags: readonly string[];
}

/** Milliseconds that cutting off another agent may take. */
const FENCE_MS = 20_000;
/** Milliseconds for an agent to start and connect where the machine has little time for it; another would be no faster. */
const START_MS = 30_000;
/** Milliseconds to wait for the agent to say what a call is at. */
const WHERE_MS = 250;

/**
 * glibc would keep an arena for each of many threads, and what they once needed. Measured at 32 clones at once:
 * 137 MB with two arenas alone, 125 MB with these thresholds (bytes), at no measurable cost.
 */
const MALLOC = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '65536' } as const;

/** The parent's end of one agent. It answers every call by its deadline, whatever the child does. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #log: Log;
  readonly #calls = new Map<number, PendingCall>();
  readonly #over = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #fences = new Map<string, (outcome: Fenced) => void>();
  #nextId = 1;
  #refusal: Error | undefined;
  #hasEnded = false;
  #lostCalls = false;
  /** True once Ceph gave it no answer in time, or cut it off. */
  #isDistrusted = false;
  /** True once it is not known how something ended that changes Ceph. */
  #isUnsettled = false;
  /** Milliseconds that a call which only looks may be overdue before it counts as stuck. */
  readonly #patience: number;
  /** True when its end is our doing. */
  #isDismissed = false;
  readonly startedAt = Date.now();
  /** Milliseconds since the epoch when it last showed that it moves. */
  movedAt = Date.now();
  /** As a blocklist takes it; '' until it is connected. */
  address = '';

  constructor(program: AgentProgram, opening: Opening, log: Log) {
    this.#log = log;
    this.#patience = 2 * opening.operationTimeout * 1000;
    this.#child = fork(program.module, ['agent'], {
      serialization: 'advanced',
      execArgv: [...program.nodeFlags],
      env: { PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: String(program.threads), ...MALLOC },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: FromAgent) => this.#heard(message));
    this.#child.on('error', (error) => this.#failed(error));
    this.#child.on('exit', (code, signal) => {
      if (!this.#isDismissed) this.#log.warn({ agent: this.pid, code, signal }, 'an agent died');
      this.#gone();
    });
    this.#opened.promise.catch(() => undefined);
    this.#send({ say: 'open', opening });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Calls whose outcome is still open in the agent. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /**
   * True while new calls are better served by another: Ceph gave it no answer in time, or a call is stuck in it. A call
   * that was overdue and came back leaves no doubt behind: the deadline was ours, not Ceph's.
   */
  get spoiled(): boolean {
    const patience = this.address === '' ? START_MS : this.#patience;
    const isStuck = (call: PendingCall): boolean => call.isOverdueBy(call.changes ? 0 : patience);
    return this.#isDistrusted || [...this.#calls.values()].some(isStuck);
  }

  /** True when something that it did or does may still land in Ceph, and nobody would know. */
  get isUnsettled(): boolean {
    return this.#isUnsettled || [...this.#calls.values()].some((call) => call.changes);
  }

  /** True when it ended in the middle of calls, or without being told to. */
  get died(): boolean {
    return this.#hasEnded && (this.#lostCalls || !this.#isDismissed);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Settles when the process is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Rejects with what the agent said when it could not connect. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Declares that nothing this agent had in flight can land any more: it is dead and, where needed, cut off. */
  settle(): void {
    this.#over.resolve();
  }

  /** Rejects by the deadline at the latest; when the outcome is then open, with a PendingFailure. */
  async call(operation: string, args: unknown, { deadline }: Pick<Scope, 'deadline'>): Promise<unknown> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const id = this.#nextId++;
    const call = new PendingCall(operation, { deadline, agentOver: this.#over.promise, overdue: () => this.#overdue(id) });
    this.#calls.set(id, call);
    this.#send({ say: 'call', id, operation, args, deadline });
    return await call.outcome;
  }

  /** Cuts off another agent's connection. */
  async fence(address: string): Promise<Fenced> {
    if (this.#hasEnded) return this.#unfenced();
    const outcome = Promise.withResolvers<Fenced>();
    this.#fences.set(address, outcome.resolve);
    this.#send({ say: 'fence', address });
    // librados waits for the next map without an end.
    const late = setTimeout(() => outcome.resolve('failed'), FENCE_MS);
    try {
      return await outcome.promise;
    } finally {
      clearTimeout(late);
    }
  }

  /** It will not do it: Ceph does not let its user in, or it died. */
  #unfenced(): Fenced {
    return this.#refusal instanceof Failure && this.#refusal.kind === 'unauthenticated' ? 'refused' : 'failed';
  }

  /** Asks it to leave; it does so when it has let go of Ceph, or after two seconds. */
  end(): void {
    if (this.#isDismissed) return;
    this.#isDismissed = true;
    this.#send({ say: 'end' });
  }

  kill(): void {
    this.#isDismissed = true;
    this.#child.kill('SIGKILL');
  }

  #overdue(id: number): void {
    this.#send({ say: 'where', id });
    setTimeout(() => this.#calls.get(id)?.giveUp('the agent does not answer either'), WHERE_MS);
  }

  #heard(message: FromAgent): void {
    this.movedAt = Date.now();
    switch (message.say) {
      case 'opened':
        this.address = message.address;
        this.#opened.resolve();
        break;
      case 'refused':
        this.#refused(unpackFailure(message.failure));
        break;
      case 'answer':
        this.#take(message)?.answer(message.value);
        break;
      case 'failure':
        this.#take(message)?.fail(unpackFailure(message.failure));
        break;
      case 'waiting':
        this.#calls.get(message.id)?.giveUp(message.text);
        break;
      case 'fenced':
        this.#fences.get(message.address)?.(message.outcome);
        this.#fences.delete(message.address);
        break;
      case 'log':
        this.#log[message.level]({ agent: this.pid, ...message.fields }, message.message);
        break;
      case 'progress':
    }
  }

  #take({ id, spoiled }: { readonly id: number; readonly spoiled: boolean }): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#isDistrusted ||= spoiled;
    this.#isUnsettled ||= spoiled && call?.changes === true;
    this.#calls.delete(id);
    return call;
  }

  /** It could not connect: nothing of it can ever have reached Ceph. */
  #refused(error: Error): void {
    this.#refusal = error;
    this.#opened.reject(error);
    this.#over.resolve();
    this.#failAll(error);
    this.kill();
  }

  #failed(error: Error): void {
    this.#log.warn({ err: error }, 'an agent could not be started, or the channel to it broke');
    // A process that was never there does not end.
    if (this.#child.pid === undefined) this.#gone();
  }

  #gone(): void {
    if (this.#hasEnded) return;
    this.#isUnsettled = this.isUnsettled;
    this.#hasEnded = true;
    this.#lostCalls = this.#calls.size > 0;
    this.#ended.resolve();
    this.#opened.reject(new Failure('unfinished', 'AGENT_DIED', 'the agent died before it was connected'));
    const lost = new Failure('unfinished', 'AGENT_DIED', 'the process that talks to Ceph died; ask again and the work goes on');
    this.#refusal ??= lost;
    this.#failAll(lost);
    for (const answer of this.#fences.values()) answer(this.#unfenced());
  }

  #failAll(error: Error): void {
    for (const call of this.#calls.values()) call.fail(error);
    this.#calls.clear();
  }

  #send(message: ToAgent): void {
    if (!this.#child.connected) return;
    this.#child.send(message, (error) => {
      if (error !== null) this.#log.debug({ err: error }, 'an agent could not be told something; its end is noticed elsewhere');
    });
  }
}
