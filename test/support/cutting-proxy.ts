/** A TCP proxy on loopback that does what networks do: cuts connections, refuses them, or goes silent. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<readonly [Socket, Socket]>();
  #state: 'open' | 'refusing' | 'silent' = 'open';
  /** Connections that were made through it. */
  made = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(target: number): Promise<CuttingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const proxy = new CuttingProxy(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('connection', (client) => proxy.#join(client, target));
    return proxy;
  }

  /** Ends all connections at once; new ones are let through. */
  cut(): void {
    for (const pair of this.#open) for (const socket of pair) socket.resetAndDestroy();
    this.#open.clear();
  }

  /** Ends all connections, and each new one too. */
  refuse(): void {
    this.#state = 'refusing';
    this.cut();
  }

  /** Connections stay, and nothing passes any more. */
  silence(): void {
    this.#state = 'silent';
    for (const pair of this.#open) for (const socket of pair) socket.pause();
  }

  /** New connections pass again. Those that were silenced stay silent, as after a firewall forgot them. */
  heal(): void {
    this.#state = 'open';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    await once(this.#server.close(), 'close');
  }

  #join(client: Socket, target: number): void {
    this.made += 1;
    if (this.#state === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    const pair = [client, upstream] as const;
    this.#open.add(pair);
    for (const [from, to] of [pair, [upstream, client]] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (chunk) => this.#state !== 'silent' && to.write(chunk));
    }
    client.on('close', () => this.#open.delete(pair));
    if (this.#state === 'silent') for (const socket of pair) socket.pause();
  }
}
