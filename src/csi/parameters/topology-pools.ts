import { isName } from '#lib/handle';
import { type Read, refused } from './values.ts';

/** A pool and where it can be reached from: nodes that carry all of these segments. */
export interface TopologyPool {
  readonly pool: string;
  /** '' keeps the data in the pool itself. */
  readonly dataPool: string;
  readonly segments: Readonly<Record<string, string>>;
}

const POOLS_MAX = 64;

/** A JSON list of `{"pool": …, "dataPool": …, "segments": {"topology.kubernetes.io/zone": …}}`. */
export const topologyPools: Read<readonly TopologyPool[]> = (key, text) => {
  const parsed = parse(key, text);
  if (!Array.isArray(parsed) || parsed.length === 0 || parsed.length > POOLS_MAX) {
    throw refused(key, `is not a list of 1 to ${POOLS_MAX} pools`);
  }
  return parsed.map((entry: unknown, index) => readPool(`${key}[${index}]`, entry));
};

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused(key, 'is not JSON');
  }
}

function readPool(at: string, entry: unknown): TopologyPool {
  if (typeof entry !== 'object' || entry === null) throw refused(at, 'is not an object');
  const { pool, dataPool = '', segments, ...unknown }: Readonly<Record<string, unknown>> = { ...entry };
  for (const field of Object.keys(unknown)) throw refused(`${at}.${field}`, 'is unknown');
  if (typeof pool !== 'string' || !isName(pool)) throw refused(`${at}.pool`, 'is not the name of a pool');
  if (typeof dataPool !== 'string' || (dataPool !== '' && !isName(dataPool))) {
    throw refused(`${at}.dataPool`, 'is not the name of a pool');
  }
  return { pool, dataPool, segments: readSegments(`${at}.segments`, segments) };
}

function readSegments(at: string, segments: unknown): Readonly<Record<string, string>> {
  if (typeof segments !== 'object' || segments === null) throw refused(at, 'is not an object');
  const pairs = Object.entries(segments).map(([label, value]): [string, string] => {
    if (typeof value !== 'string') throw refused(`${at}.${label}`, 'is not text');
    return [label, value];
  });
  if (pairs.length === 0) throw refused(at, 'is empty');
  return Object.fromEntries(pairs);
}
