/**
 * The cluster configuration: which logical clusters there are, and which Ceph stands behind each at this site.
 * One JSON file; keys lie in files of their own beside it, so that it can be a ConfigMap and they a Secret.
 * Read again at each use (a stat when nothing changed), so a rotated key needs no restart. While the file cannot be used,
 * what was read of it last serves on.
 *
 *     { "prod": { "site": "east", "monitors": ["10.0.0.1:6789"], "user": "loligo", "keyFile": "keys/prod",
 *                 "peers": { "west": { "monitors": ["10.1.0.1:6789"], "user": "loligo", "keyFile": "keys/west" } } } }
 *
 * `peers` are the other sites that stand behind the cluster, for the operator that mirrors between them. `mirror` of a
 * site is the user with which its peers' mirror daemons come to it, where the operator is not to make one.
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

/** How one site is reached. */
interface SiteEntry {
  readonly monitors: readonly string[];
  readonly user: string;
  readonly keyFile: string;
  readonly mirror: { readonly user: string; readonly keyFile: string } | undefined;
}

interface Entry extends SiteEntry {
  readonly site: string;
  readonly peers: ReadonlyMap<string, SiteEntry>;
}

/** Milliseconds for which what was read is taken as it is: many calls a second need not all look at the file. */
const FRESH_MS = 250;

/** Told when the file begins to be unusable, in another way than before, and when it can be used again. */
export type ConfigListener = (trouble: Failure | undefined) => void;

export class ClusterConfig {
  readonly #path: string;
  readonly #listener: ConfigListener;
  #entries: ReadonlyMap<string, Entry> | undefined;
  #stamp = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  #trouble: Failure | undefined;
  readonly #keys = new Map<string, string>();

  /** Every use throws `precondition` until the file could be used for once: there is nothing before it that could serve. */
  constructor(path: string, listener: ConfigListener = () => undefined) {
    this.#path = path;
    this.#listener = listener;
  }

  /** Why the file as it lies there cannot be used, and what was read before serves on. */
  get trouble(): Failure | undefined {
    this.#read();
    return this.#trouble;
  }

  names(): readonly string[] {
    return [...this.#read().keys()];
  }

  has(cluster: string): boolean {
    return this.#read().has(cluster);
  }

  /** Throws `precondition` for a cluster that is not configured here, or whose key cannot be read. */
  get(cluster: string, credentials?: Credentials): ClusterConnection {
    const entry = this.#entry(cluster);
    const { site, monitors } = entry;
    if (credentials !== undefined) return { cluster, site, monitors, ...credentials };
    return { cluster, site, monitors, user: entry.user, key: this.#readKey(cluster, entry.keyFile) };
  }

  /** The sites that stand behind a cluster, this one first. */
  sites(cluster: string): readonly string[] {
    const { site, peers } = this.#entry(cluster);
    return [site, ...peers.keys()];
  }

  /** The connection to one of them. Throws `precondition` for another site. */
  at(cluster: string, site: string): ClusterConnection {
    const { monitors, user, keyFile } = this.#siteEntry(cluster, site);
    return { cluster, site, monitors, user, key: this.#readKey(cluster, keyFile) };
  }

  /** With what the peers' mirror daemons come to a site, where that is given. */
  mirrorUser(cluster: string, site: string): Credentials | undefined {
    const { mirror } = this.#siteEntry(cluster, site);
    return mirror && { user: mirror.user, key: this.#readKey(cluster, mirror.keyFile) };
  }

  #entry(cluster: string): Entry {
    const entry = this.#read().get(cluster);
    if (entry !== undefined) return entry;
    throw new Failure('precondition', 'CLUSTER_UNKNOWN', `cluster ${cluster} is not in the cluster configuration`);
  }

  #siteEntry(cluster: string, site: string): SiteEntry {
    const entry = this.#entry(cluster);
    const found = entry.site === site ? entry : entry.peers.get(site);
    if (found !== undefined) return found;
    throw new Failure('precondition', 'SITE_UNKNOWN', `cluster ${cluster} has no site ${site} in the cluster configuration`);
  }

  #readKey(cluster: string, keyFile: string): string {
    const known = this.#keys.get(keyFile);
    if (known !== undefined) return known;
    try {
      const key = readFileSync(resolve(dirname(this.#path), keyFile), 'utf8').trim();
      this.#keys.set(keyFile, key);
      return key;
    } catch (cause) {
      throw new Failure('precondition', 'KEY_UNREADABLE', `the key file of cluster ${cluster} cannot be read`, { cause });
    }
  }

  #read(): ReadonlyMap<string, Entry> {
    if (this.#entries !== undefined && performance.now() - this.#lookedAt < FRESH_MS) return this.#entries;
    this.#keys.clear();
    this.#lookedAt = performance.now();
    try {
      const stamp = readStamp(this.#path);
      const known = stamp === this.#stamp ? this.#entries : undefined;
      this.#entries = known ?? readClusters(this.#path);
      this.#stamp = stamp;
      this.#is(undefined);
      return this.#entries;
    } catch (error) {
      if (!(error instanceof Failure) || this.#entries === undefined) throw error;
      this.#is(error);
      return this.#entries;
    }
  }

  #is(trouble: Failure | undefined): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    if (before?.message !== trouble?.message) this.#listener(trouble);
  }
}

/** What changes with the file. A mounted ConfigMap changes by a renamed directory, so the inode is part of it. */
function readStamp(path: string): string {
  const { mtimeMs, ino, size } = readable(path, () => statSync(path));
  return `${mtimeMs}/${ino}/${size}`;
}

function readClusters(path: string): Map<string, Entry> {
  return parseClusters(readable(path, () => readFileSync(path, 'utf8')));
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Failure('precondition', 'CONFIG_UNREADABLE', `the cluster configuration ${path} cannot be read`, { cause });
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
  const { site, peers = {}, ...own } = entry;
  if (typeof site !== 'string' || !isName(site)) throw wrong(`${name}.site is not a name`);
  if (!isObject(peers)) throw wrong(`${name}.peers is not an object of sites`);
  const others = Object.entries(peers).map(([peer, value]) => {
    if (!isName(peer) || peer === site) throw wrong(`${name}.peers: "${peer}" is not the name of another site`);
    return [peer, readSite(`${name}.peers.${peer}`, value)] as const;
  });
  return { site, ...readSite(name, own), peers: new Map(others) };
}

function readSite(where: string, value: unknown): SiteEntry {
  if (!isObject(value)) throw wrong(`${where} is not an object`);
  const { monitors, user, keyFile, mirror, ...unknown } = value;
  for (const field of Object.keys(unknown)) throw wrong(`${where}.${field} is unknown`);
  if (!Array.isArray(monitors) || monitors.length === 0 || !monitors.every(isMonitor)) {
    throw wrong(`${where}.monitors is not a list of addresses`);
  }
  return { monitors, ...readUser(where, { user, keyFile }), mirror: mirror === undefined ? undefined : readMirror(where, mirror) };
}

function readMirror(where: string, value: unknown): { user: string; keyFile: string } {
  if (!isObject(value)) throw wrong(`${where}.mirror is not an object`);
  const { user, keyFile, ...unknown } = value;
  for (const field of Object.keys(unknown)) throw wrong(`${where}.mirror.${field} is unknown`);
  return readUser(`${where}.mirror`, { user, keyFile });
}

function readUser(where: string, { user, keyFile }: { user: unknown; keyFile: unknown }): { user: string; keyFile: string } {
  if (typeof user !== 'string' || !isCephUser(user)) throw wrong(`${where}.user is not a CephX user name without "client."`);
  if (typeof keyFile !== 'string' || keyFile === '') throw wrong(`${where}.keyFile is not a path`);
  return { user, keyFile };
}

/** A CephX user's name as we want it, `loligo`; Ceph's own programs show it as `client.loligo`. */
export function isCephUser(text: string): boolean {
  return isName(text) && !text.startsWith('client.');
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
