/** The addresses that a node's Ceph clients use, so that a watcher's address names its node. */
import { createSocket } from 'node:dgram';
import { LIMITS } from './limits.ts';
import { type Address, monitorAddresses } from './monitors.ts';

/** The addresses that this host has on its ways to the monitors. Nothing is sent. */
export async function ownAddresses(monitors: readonly string[]): Promise<readonly string[]> {
  const own = await Promise.all(monitorAddresses(monitors).map(ownAddressTowards));
  return [...new Set(own.filter((address) => address !== undefined))].toSorted();
}

/** Connecting a datagram socket only chooses the route, and with it the address that would be used. */
function ownAddressTowards({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const finish = (address: string | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(address);
    };
    const timer = setTimeout(() => finish(undefined), LIMITS.look);
    socket.once('error', () => finish(undefined));
    socket.connect(port, host, () => finish(socket.address().address));
  });
}
