/**
 * The configuration of key-encryption keys: one JSON file; files that it names are relative to it, so that all of it can
 * be one mounted Secret. It is read at each use: a key that was added or exchanged needs no restart.
 *
 *     { "main": { "from": "files", "keyFiles": ["main-2", "main-1"] },
 *       "kv": { "from": "vault-kv", "address": "https://vault:8200", "tokenFile": "token", "mount": "secret", "path": "loligo" } }
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Failure } from '#lib/failure';
import { isName } from '#lib/handle';
import { field, parseJson } from '#lib/json';
import type { VaultServer } from './vault-client.ts';
import type { VaultPlace } from './vault-keys.ts';

export type KeyEntry =
  | { readonly from: 'files'; readonly keyFiles: readonly [string, ...string[]] }
  | { readonly from: 'vault-kv' | 'vault-transit'; readonly server: VaultServer; readonly place: VaultPlace };

const FIELDS = {
  files: ['keyFiles'],
  'vault-kv': ['address', 'caFile', 'tokenFile', 'login', 'mount', 'path'],
  'vault-transit': ['address', 'caFile', 'tokenFile', 'login', 'mount', 'path'],
} as const;

/** Throws `precondition` naming the entry and the field that is wrong. */
export async function readKeyConfig(path: string): Promise<ReadonlyMap<string, KeyEntry>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure('precondition', 'CONFIG_UNREADABLE', `the encryption keys' configuration ${path} cannot be read`, { cause });
  }
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrong('it is not a JSON object of keys');
  const from = (file: string): string => resolve(dirname(path), file);
  return new Map(Object.entries(parsed).map(([name, entry]) => [name, readEntry(name, entry, from)]));
}

type Locate = (file: string) => string;

function readEntry(name: string, entry: unknown, locate: Locate): KeyEntry {
  if (!isName(name)) throw wrong(`"${name}" is not a name`);
  const kind = field(entry, 'from');
  if (kind !== 'files' && kind !== 'vault-kv' && kind !== 'vault-transit') {
    throw wrong(`${name}.from is none of ${Object.keys(FIELDS).join(', ')}`);
  }
  const known: readonly string[] = ['from', ...FIELDS[kind]];
  for (const given of Object.keys(Object(entry))) if (!known.includes(given)) throw wrong(`${name}.${given} is unknown`);
  if (kind === 'files') return { from: kind, keyFiles: readKeyFiles(name, field(entry, 'keyFiles'), locate) };
  return { from: kind, server: readServer(name, entry, locate), place: readPlace(name, entry) };
}

function readKeyFiles(name: string, list: unknown, locate: Locate): readonly [string, ...string[]] {
  if (!Array.isArray(list) || !list.every((file) => typeof file === 'string' && file !== '')) {
    throw wrong(`${name}.keyFiles is not a list of files`);
  }
  const [first, ...others] = list.map((file) => locate(String(file)));
  if (first === undefined) throw wrong(`${name}.keyFiles is empty`);
  return [first, ...others];
}

function readServer(name: string, entry: unknown, locate: Locate): VaultServer {
  const address = field(entry, 'address');
  if (typeof address !== 'string' || !/^https?:\/\/[A-Za-z0-9.:[\]-]+$/.test(address)) {
    throw wrong(`${name}.address is not of the form https://host:port`);
  }
  const [caFile = '', tokenFile] = ['caFile', 'tokenFile'].map((key) => field(entry, key));
  if (typeof tokenFile !== 'string' || tokenFile === '') throw wrong(`${name}.tokenFile is not a file`);
  if (typeof caFile !== 'string') throw wrong(`${name}.caFile is not a file`);
  const login = readLogin(name, field(entry, 'login'));
  return { address, caFile: caFile === '' ? '' : locate(caFile), tokenFile: locate(tokenFile), login };
}

/** `{ "mount": "kubernetes", "role": "loligo" }` */
function readLogin(name: string, login: unknown): VaultServer['login'] {
  if (login === undefined) return undefined;
  const [mount, role] = [field(login, 'mount'), field(login, 'role')];
  if (!isPath(mount) || !isPath(role)) throw wrong(`${name}.login is not a mount and a role`);
  return { mount, role };
}

function readPlace(name: string, entry: unknown): VaultPlace {
  const [mount, path] = [field(entry, 'mount'), field(entry, 'path')];
  if (!isPath(mount)) throw wrong(`${name}.mount is not a path in Vault`);
  if (!isPath(path)) throw wrong(`${name}.path is not a path in Vault`);
  return { mount, path };
}

/** Names with slashes between, and no way up. */
function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.split('/').every(isName);
}

function wrong(what: string): Failure {
  return new Failure('precondition', 'CONFIG_INVALID', `the encryption keys' configuration is wrong: ${what}`);
}
