/**
 * Who keeps the daemons' processes: this process, or the mapper role. It starts and ends them; all else, also whether one
 * is alive, is between the node role and the daemon, by the socket in the volume's directory.
 */
export interface DaemonKeeper {
  /** What the keeper's host lacks to run daemons, or `undefined` when it lacks nothing. */
  missing(): Promise<string | undefined>;
  /** Starts a daemon that serves nothing yet, for a volume that has none; says nothing about how it fares. */
  start(dir: string): Promise<void>;
  /** Kills all daemons of the volume: one, none, or more when an earlier call was killed while it started one. */
  end(dir: string): Promise<void>;
}

/** What the mapper role is asked, as one line of JSON: what to do, and the name of a volume's directory. Never a path. */
export interface KeeperRequest {
  readonly act: 'missing' | 'start' | 'end';
  readonly volume: string;
}

/** Its answer, one line of JSON too, after which the connection is closed. */
export type KeeperAnswer =
  | { readonly done: true; readonly missing?: string }
  | { readonly done: false; readonly reason: string; readonly message: string };
