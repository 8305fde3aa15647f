/**
 * Who keeps the processes that carry I/O: this process, or the mapper role. It starts and ends them; whether one is alive,
 * and all else, is between the node role and the process, by the socket in the volume's directory.
 */

/** Of the userspace mapper: qemu-storage-daemon, which is told by its socket what to serve. */
export interface DaemonKeeper {
  /** What the keeper's host lacks to run daemons, or `undefined` when it lacks nothing. */
  missing(): Promise<string | undefined>;
  /** Starts a daemon that serves nothing yet, for a volume that has none; says nothing about how it fares. */
  start(dir: string): Promise<void>;
  /** Kills all daemons of the volume: one, none, or more when an earlier call was killed while it started one. */
  end(dir: string): Promise<void>;
}

/** What rbd-nbd serves. It is told as it starts, for nobody can tell it anything later. */
export interface NbdOrder {
  /** `pool/image`, `pool/namespace/image`, either with `@snapshot`. */
  readonly image: string;
  readonly readonly: boolean;
  /** The image's lock is held until the process ends, and given to nobody. */
  readonly exclusive: boolean;
  /** What the kernel shows of the device, and how it is found again. */
  readonly label: string;
  /** The device that has lost its process; '' for a new one. */
  readonly device: string;
  readonly user: string;
  /** Reaches the process in memory: never an argument, the environment or a file that has a name. */
  readonly key: string;
}

/** Of the nbd mapper. */
export interface NbdKeeper {
  missing(): Promise<string | undefined>;
  /** Starts a process for a volume that has none, and waits: `undefined` when it serves the device, else what it said. */
  serve(dir: string, order: NbdOrder): Promise<string | undefined>;
  /** Ends all processes of the volume, by force those that do not close the image in time. Its device stays, and waits. */
  end(dir: string): Promise<void>;
}

export interface Keepers {
  readonly daemon: DaemonKeeper;
  readonly nbd: NbdKeeper;
}

/** What the mapper role is asked, as one line of JSON: what to do, and the name of a volume's directory. Never a path. */
export interface KeeperRequest {
  readonly act: 'missing' | 'start' | 'end' | 'nbd-missing' | 'nbd-serve' | 'nbd-end';
  readonly volume: string;
  /** Of `nbd-serve`. */
  readonly order?: NbdOrder;
}

/** Its answer, one line of JSON too, after which the connection is closed. */
export type KeeperAnswer =
  | { readonly done: true; readonly missing?: string; readonly complaint?: string }
  | { readonly done: false; readonly reason: string; readonly message: string };
