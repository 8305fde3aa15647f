/**
 * `mapOptions` of the kernel's client, as the kernel documents them. Left out is what would change who we are (name, key,
 * share), what we say ourselves (mount_timeout, ro, _pool_ns), and what would make a write fail that only has to wait
 * (osd_request_timeout, abort_on_full).
 */
import { Failure } from '#lib/failure';
import type { MapOptions } from '../mapper.ts';

interface Option {
  readonly value: RegExp;
  /** How the kernel has it; `name=value` when left out. '' says nothing. */
  readonly flag?: (value: string) => string;
}

const NUMBER = /^[1-9][0-9]{0,8}$/;
const BOOLEAN = /^(true|false)$/;
/** The kernel knows most switches only by name: given is on. */
const givenWhen = (wanted: string, name: string): Option => ({ value: BOOLEAN, flag: (value) => (value === wanted ? name : '') });

const OPTIONS: Readonly<Record<string, Option>> = {
  ms_mode: { value: /^(legacy|crc|secure|prefer-crc|prefer-secure)$/ },
  read_from_replica: { value: /^(no|balance|localize)$/ },
  crush_location: { value: /^[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+(\|[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+)*$/ },
  queue_depth: { value: NUMBER },
  alloc_size: { value: NUMBER },
  lock_timeout: { value: NUMBER },
  osdkeepalive: { value: NUMBER },
  osd_idle_ttl: { value: NUMBER },
  compression_hint: { value: /^(none|compressible|incompressible)$/ },
  exclusive: givenWhen('true', 'exclusive'),
  lock_on_read: givenWhen('true', 'lock_on_read'),
  notrim: givenWhen('true', 'notrim'),
  rxbounce: givenWhen('true', 'rxbounce'),
  crc: givenWhen('false', 'nocrc'),
  tcp_nodelay: givenWhen('false', 'notcp_nodelay'),
  cephx_sign_messages: givenWhen('false', 'nocephx_sign_messages'),
};

export function checkOptions(options: MapOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const option = OPTIONS[name];
    if (option === undefined) throw new Failure('invalid', 'MAP_OPTION_UNKNOWN', `mapOptions: the krbd mapper has no ${name}`);
    if (!option.value.test(value)) throw new Failure('invalid', 'MAP_OPTION_INVALID', `mapOptions: the value of ${name}`);
  }
}

/** As the kernel takes them, for options that were checked. */
export function kernelOptions(options: MapOptions): readonly string[] {
  const told = Object.entries(options).map(([name, value]) => OPTIONS[name]?.flag?.(value) ?? `${name}=${value}`);
  return told.filter((option) => option !== '');
}
