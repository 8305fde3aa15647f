/** What the mapper role takes for a request: what could name anything but a volume, an image and a user is refused. */
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import type { KeeperRequest, NbdOrder } from './keeper.ts';

/** The longest request there is, an order for rbd-nbd, has half of this. */
export const REQUEST_MAX = 1024;

const ACTS = ['missing', 'start', 'end', 'nbd-missing', 'nbd-serve', 'nbd-end'] as const;
/** As `volumeDir` names them. */
const VOLUME = /^[0-9a-f]{32}$/;

/** None can be taken for an option of a program. */
const ORDER: Readonly<Record<'image' | 'label' | 'device' | 'user' | 'key', RegExp>> = {
  image: /^[A-Za-z0-9_.][A-Za-z0-9_.-]*(\/[A-Za-z0-9_.-]+){1,2}(@[A-Za-z0-9_.-]+)?$/,
  label: /^loligo\.[0-9a-f]{32}$/,
  device: /^(\/dev\/nbd[0-9]+)?$/,
  user: /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/,
  key: /^[A-Za-z0-9+/]+=*$/,
};

/** Throws `invalid`. */
export function readKeeperRequest(line: string): KeeperRequest {
  const request = parseJson(line);
  const act = ACTS.find((known) => known === field(request, 'act'));
  const volume = field(request, 'volume');
  if (act === undefined || typeof volume !== 'string') throw refused('it is of no known form');
  if (act === 'missing' || act === 'nbd-missing') return { act, volume: '' };
  if (!VOLUME.test(volume)) throw refused('it names no volume');
  return act === 'nbd-serve' ? { act, volume, order: readOrder(field(request, 'order')) } : { act, volume };
}

function readOrder(order: unknown): NbdOrder {
  const text = (name: keyof typeof ORDER): string => {
    const value = field(order, name);
    if (typeof value !== 'string' || !ORDER[name].test(value)) throw refused(`its ${name} is of no known form`);
    return value;
  };
  const flag = (name: 'readonly' | 'exclusive'): boolean => field(order, name) === true;
  return {
    image: text('image'),
    readonly: flag('readonly'),
    exclusive: flag('exclusive'),
    label: text('label'),
    device: text('device'),
    user: text('user'),
    key: text('key'),
  };
}

export function refused(why: string): Failure {
  return new Failure('invalid', 'MAPPER_REFUSED', `the mapper role refuses the request: ${why}`);
}
