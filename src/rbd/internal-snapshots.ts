/**
 * Snapshots that a clone of a volume needs for a moment. A snapshot costs the monitors a commit, about a second, so
 * clone requests of one volume share one: a request may use any snapshot that was *begun* after the request came.
 */

interface Turn<T> {
  /** Settles when this turn's snapshot is there. */
  readonly taken: Promise<T>;
  users: number;
}

interface Queue {
  running: Promise<unknown>;
  /** The turn that has not begun: who comes now joins it. */
  next: Turn<unknown> | undefined;
}

export class InternalSnapshots {
  readonly #queues = new Map<string, Queue>();

  /**
   * Runs `use` with what `take` made for this request or for one that came a little earlier. Who is last done with
   * it drops it.
   */
  async share<T, R>(
    key: string,
    how: { readonly take: () => Promise<T>; readonly use: (taken: T) => Promise<R>; readonly drop: (taken: T) => Promise<void> },
  ): Promise<R> {
    const turn = this.#join(key, how.take);
    turn.users += 1;
    let taken: T | undefined;
    try {
      taken = await turn.taken;
      return await how.use(taken);
    } finally {
      turn.users -= 1;
      if (turn.users === 0 && taken !== undefined) await how.drop(taken);
    }
  }

  #join<T>(key: string, take: () => Promise<T>): Turn<T> {
    const queue = this.#queues.get(key) ?? { running: Promise.resolve(), next: undefined };
    this.#queues.set(key, queue);
    // All who join a turn pass the same kind of `take`: the key names the source volume.
    if (queue.next !== undefined) return queue.next as Turn<T>;
    const taken = queue.running.then(() => {
      queue.next = undefined;
      return take();
    });
    const turn: Turn<T> = { taken, users: 0 };
    queue.next = turn;
    queue.running = taken.catch(() => undefined).finally(() => this.#forget(key, queue));
    return turn;
  }

  #forget(key: string, queue: Queue): void {
    if (queue.next === undefined && this.#queues.get(key) === queue) this.#queues.delete(key);
  }
}
