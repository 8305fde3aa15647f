import { createHash } from 'node:crypto';
import type { ClusterConnection } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { Log, Scope } from '#lib/scope';
import type { Engine, RemoteEngine } from '#rbd';
import type { AgentProgram } from './agent-process.ts';
import { type AgentEvents, Seat, type SeatSettings } from './seat.ts';

/** Operations that take as long as they take: an agent of their own, watched for progress instead of a deadline. */
const LONG: ReadonlySet<string> = new Set<keyof Engine>(['reap', 'forcePromoteImages']);

export interface PoolSettings {
  readonly program: AgentProgram;
  readonly instance: string;
  /** Seconds that librados waits for one operation. */
  readonly operationTimeout: number;
  /** Seconds; see `Identity.creatorLife`. */
  readonly creatorLife: number;
  /** Operations at work at once in one agent. */
  readonly atOnce: number;
  /** Calls that wait for an answer at once, of one connection. */
  readonly maxInFlight: number;
  /** Agents that serve at once in this process. */
  readonly maxAgents: number;
}

const MAX_RETIRED = 3;
const IDLE_MS = 60_000;
const SILENCE_MS = 120_000;

/** The agents of this process: one seat for each connection, and one more for its long work. */
export class AgentPool implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #log: Log;
  readonly #events: AgentEvents;
  readonly #seats = new Map<string, Seat>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(settings: PoolSettings, log: Log, events: AgentEvents) {
    this.#settings = settings;
    this.#log = log;
    this.#events = events;
    this.#sweeper = setInterval(() => this.#endIdle(), IDLE_MS / 4);
    this.#sweeper.unref();
  }

  /** The engine at a site. A rotated key or another monitor makes another seat; the old one ends when it is idle. */
  engine(connection: ClusterConnection): RemoteEngine {
    const call = async (operation: string, args: unknown, scope: Scope): Promise<unknown> => {
      const long = LONG.has(operation);
      const deadline = long ? Number.POSITIVE_INFINITY : scope.deadline;
      return await this.#seat(connection, long).call(operation, args, { deadline });
    };
    // The one place where names turn into calls; RemoteEngine is what the agent's table of operations accepts.
    return new Proxy({} as RemoteEngine, {
      get: (_, operation) => (args: unknown, scope: Scope) => call(String(operation), args, scope),
    });
  }

  /** Calls that wait for an answer now. */
  get inFlight(): number {
    return [...this.#seats.values()].reduce((sum, seat) => sum + seat.inFlight, 0);
  }

  #seat(connection: ClusterConnection, long: boolean): Seat {
    const key = createHash('sha256')
      .update(JSON.stringify([connection, long]))
      .digest('hex');
    const known = this.#seats.get(key);
    if (known !== undefined) return known;
    if (this.#seats.size >= this.#settings.maxAgents) this.#makeRoom();
    const seat = new Seat(this.#seatSettings(connection, long), this.#log, this.#events);
    this.#seats.set(key, seat);
    return seat;
  }

  #seatSettings(connection: ClusterConnection, long: boolean): SeatSettings {
    const { program, instance, creatorLife, operationTimeout, atOnce, maxInFlight } = this.#settings;
    const timeout = operationTimeout * 1000;
    return {
      program,
      opening: { connection, instance, creatorLife, operationTimeout, atOnce },
      maxInFlight,
      // A create is a chain of about six operations that each may time out.
      grace: 7 * timeout,
      minimumService: 2 * timeout,
      maxRetired: MAX_RETIRED,
      silence: long ? SILENCE_MS : 0,
    };
  }

  /** Ends the seat that has been idle longest. */
  #makeRoom(): void {
    const idle = [...this.#seats].filter(([, seat]) => seat.isIdle).sort(([, a], [, b]) => a.usedAt - b.usedAt)[0];
    if (idle === undefined) {
      throw new Failure('busy', 'TOO_MANY_CONNECTIONS', `${this.#seats.size} connections to Ceph are in use; ask again`);
    }
    this.#end(idle[0], idle[1]);
  }

  #endIdle(): void {
    for (const [key, seat] of this.#seats) {
      if (seat.isIdle && Date.now() - seat.usedAt > IDLE_MS) this.#end(key, seat);
    }
  }

  #end(key: string, seat: Seat): void {
    this.#seats.delete(key);
    void seat.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    const seats = [...this.#seats.values()];
    this.#seats.clear();
    await Promise.all(seats.map((seat) => seat.end()));
  }
}
