/**
 * The cluster configuration: which logical clusters there are, and which Ceph stands behind each at this site.
 * One JSON file; keys lie in files of their own beside it, so that it can be a ConfigMap and they a Secret.
 * Read again at each use (a stat when nothing changed), so a rotated key needs no restart.
 *
 *     { "prod": { "site": "east", "monitors": ["10.0.0.1:6789"], "user": "loligo", "keyFile": "keys/prod" } }
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';

/** All that is needed to connect to one site as one user. */
export interface ClusterConnection {
  readonly cluster: string;
  readonly site: string;
  /** `address:port`, or Ceph's `[v2:…,v1:…]` form. */
  readonly monitors: readonly string[];
  /** The CephX user without `client.`. */
  readonly user: string;
  readonly key: string;
}

/** Credentials that a StorageClass gave through CSI secrets; they take the place of the file's. */
export interface Credentials {
  readonly user: string;
  readonly key: string;
}

interface Entry {
  readonly site: string;
  readonly monitors: readonly string[];
  readonly user: string;
  readonly keyFile: string;
}

/** Milliseconds for which what was read is taken as it is: many calls a second need not all look at the file. */
const FRESH_MS = 250;

export class ClusterConfig {
  readonly #path: string;
  #entries = new Map<string, Entry>();
  #stamp = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #keys = new Map<string, string>();

  constructor(path: string) {
    this.#path = path;
  }

  names(): readonly string[] {
    return [...this.#read().keys()];
  }

  has(cluster: string): boolean {
    return this.#read().has(cluster);
  }

  /** Throws `precondition` for a cluster that is not configured here, or whose key cannot be read. */
  get(cluster: string, credentials?: Credentials): ClusterConnection {
    const entry = this.#read().get(cluster);
    if (entry === undefined) {
      throw new Failure('precondition', 'CLUSTER_UNKNOWN', `cluster ${cluster} is not in the cluster configuration`);
    }
    const { site, monitors } = entry;
    if (credentials !== undefined) return { cluster, site, monitors, ...credentials };
    return { cluster, site, monitors, user: entry.user, key: this.#readKey(cluster, entry) };
  }

  #readKey(cluster: string, entry: Entry): string {
    const known = this.#keys.get(cluster);
    if (known !== undefined) return known;
    try {
      const key = readFileSync(resolve(dirname(this.#path), entry.keyFile), 'utf8').trim();
      this.#keys.set(cluster, key);
      return key;
    } catch (cause) {
      throw new Failure('precondition', 'KEY_UNREADABLE', `the key file of cluster ${cluster} cannot be read`, { cause });
    }
  }

  #read(): Map<string, Entry> {
    if (performance.now() - this.#lookedAt < FRESH_MS) return this.#entries;
    this.#keys.clear();
    try {
      // A mounted ConfigMap changes by a renamed directory, so the inode is part of the stamp.
      const { mtimeMs, ino, size } = statSync(this.#path);
      const stamp = `${mtimeMs}/${ino}/${size}`;
      if (stamp !== this.#stamp) {
        this.#entries = parseClusters(readFileSync(this.#path, 'utf8'));
        this.#stamp = stamp;
      }
      this.#lookedAt = performance.now();
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure('precondition', 'CONFIG_UNREADABLE', `the cluster configuration ${this.#path} cannot be read`, { cause });
    }
    return this.#entries;
  }
}

/** Throws `precondition` naming the cluster and the field that is wrong. */
function parseClusters(text: string): Map<string, Entry> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw wrong('it is not JSON', cause);
  }
  if (!isObject(parsed)) throw wrong('it is not an object of clusters');
  return new Map(Object.entries(parsed).map(([name, entry]) => [name, readEntry(name, entry)]));
}

function readEntry(name: string, entry: unknown): Entry {
  if (!isName(name)) throw wrong(`"${name}" is not a cluster name`);
  if (!isObject(entry)) throw wrong(`${name} is not an object`);
  const { site, monitors, user, keyFile, ...unknown } = entry;
  for (const field of Object.keys(unknown)) throw wrong(`${name}.${field} is unknown`);
  if (typeof site !== 'string' || !isName(site)) throw wrong(`${name}.site is not a name`);
  if (!Array.isArray(monitors) || monitors.length === 0 || !monitors.every(isMonitor)) {
    throw wrong(`${name}.monitors is not a list of addresses`);
  }
  if (typeof user !== 'string' || !isName(user)) throw wrong(`${name}.user is not a CephX user name without "client."`);
  if (typeof keyFile !== 'string' || keyFile === '') throw wrong(`${name}.keyFile is not a path`);
  return { site, monitors, user, keyFile };
}

function isMonitor(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9.:,[\]/-]+$/.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(what: string, cause?: unknown): Failure {
  return new Failure('precondition', 'CONFIG_INVALID', `the cluster configuration is wrong: ${what}`, { cause });
}
