/**
 * Lets programs of this machine reach the API server: a port on loopback that leads into the cluster's network. As a
 * program it runs in that network, with a listening socket that was opened outside: a socket stays in the network it was
 * made in.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { processIdentity } from '../process-identity.ts';
import type { Kube } from './kube.ts';
import { API_SERVER } from './places.ts';

/** The descriptor that the listening socket is handed over as. */
const LISTENING = 3;

/** Starts it, to stay as long as the cluster; gives the URL. */
export async function startForwarder(kube: Kube): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const args = [`--net=${kube.control.network}`, '--', process.execPath, import.meta.filename];
  const child = spawn('nsenter', args, { detached: true, cwd: '/', stdio: ['ignore', 'ignore', 'ignore', descriptorOf(server)] });
  child.unref();
  writeFileSync(join(kube.dir, 'forwarder.pid'), processIdentity(child.pid ?? 0) ?? '');
  server.close();
  return `https://127.0.0.1:${port}`;
}

function descriptorOf(server: object): number {
  // Node has no public way to a server's descriptor; this one is what its own cluster module uses.
  return (server as { _handle: { fd: number } })._handle.fd;
}

function forward(client: Socket): void {
  const { hostname, port } = new URL(API_SERVER);
  const upstream = connect(Number(port), hostname);
  client.pipe(upstream).pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
}

if (import.meta.main) createServer(forward).listen({ fd: LISTENING });
