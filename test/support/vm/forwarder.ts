/**
 * A way into a machine for programs outside its network: unix sockets, which do not belong to any network, whose
 * connections lead to the agent in the machine: `forwarder.ts FOLDER ADDRESS`, run in the machine's network.
 *
 *     agent.sock   the agent itself
 *     csi.sock     the node role's socket in the machine, through the agent
 */
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { AGENT_PORT } from './guest/protocol.ts';

/** Where the driver listens in the machine. */
export const CSI_SOCKET = '/run/loligo/csi.sock';
const CONNECT_TIMEOUT = 5_000; // milliseconds

function forward(path: string, address: string, first: string): void {
  rmSync(path, { force: true });
  const server = createServer((client) => {
    const upstream = connect(AGENT_PORT, address);
    upstream.setTimeout(CONNECT_TIMEOUT, () => upstream.destroy());
    upstream.once('connect', () => upstream.setTimeout(0));
    upstream.write(first);
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroySoon());
    }
  });
  server.listen(path);
}

const [, , folder = '', address = ''] = process.argv;
if (import.meta.main) {
  forward(join(folder, 'agent.sock'), address, '');
  forward(join(folder, 'csi.sock'), address, `${JSON.stringify({ act: 'lead', socket: CSI_SOCKET })}\n`);
}
