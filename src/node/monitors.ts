/** The addresses in a cluster's monitor list, in any of the forms that Ceph writes them. */

export interface Address {
  readonly host: string;
  readonly port: number;
}

const MESSENGER_V1_PORT = 6789;

/** `10.0.0.1:6789`, `[2001:db8::1]:3300`, `v2:10.0.0.1:3300/0`, `[v2:10.0.0.1:3300,v1:10.0.0.1:6789]`, `mon-a`. */
export function monitorAddresses(monitors: readonly string[]): readonly Address[] {
  return monitors.flatMap(split).map(readAddress);
}

function split(monitor: string): readonly string[] {
  const list = /^\[(v[12]:.*)\]$/.exec(monitor)?.[1] ?? monitor;
  return list.split(',').filter((part) => part !== '');
}

function readAddress(text: string): Address {
  const plain = text.replace(/^v[12]:/, '').replace(/\/\d+$/, '');
  const [, bracketed, host, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(plain) ?? [];
  return { host: bracketed ?? host ?? plain, port: port === undefined ? MESSENGER_V1_PORT : Number(port) };
}
