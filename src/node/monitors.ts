/** The addresses in a cluster's monitor list, in any of the forms that Ceph writes them. */

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Which of Ceph's two protocols is spoken there. */
  readonly messenger: 1 | 2;
}

const MESSENGER_V1_PORT = 6789;
const MESSENGER_V2_PORT = 3300;

/** `10.0.0.1:6789`, `[2001:db8::1]:3300`, `v2:10.0.0.1:3300/0`, `[v2:10.0.0.1:3300,v1:10.0.0.1:6789]`, `mon-a`. */
export function monitorAddresses(monitors: readonly string[]): readonly Address[] {
  return monitors.flatMap(split).map(readAddress);
}

function split(monitor: string): readonly string[] {
  const list = /^\[(v[12]:.*)\]$/.exec(monitor)?.[1] ?? monitor;
  return list.split(',').filter((part) => part !== '');
}

function readAddress(text: string): Address {
  const [, version, plain = text] = /^(?:v([12]):)?(.*?)(?:\/\d+)?$/.exec(text) ?? [];
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(plain) ?? [];
  const port = digits === undefined ? MESSENGER_V1_PORT : Number(digits);
  const messenger = version === '2' || (version === undefined && port === MESSENGER_V2_PORT) ? 2 : 1;
  return { host: bracketed ?? bare ?? plain, port, messenger };
}
