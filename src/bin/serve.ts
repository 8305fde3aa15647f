/** Puts a role together, bottom up; stopping is the reverse, also of a start that fails half-way. */
import { type Host, identityService, type Listening, listen, type Service } from '#csi';
import { KeyedLock } from '#lib/keyed-lock';
import { createLogger, createMetrics, serveHealth } from '#observability';
import { nextSignal } from './next-signal.ts';
import { Options } from './options.ts';
import type { Part, Surroundings } from './part.ts';
import { VERSION } from './version.ts';

type Role = 'controller' | 'node' | 'standalone';

/** Milliseconds that calls under way get to end at a stop. */
const STOP_GRACE_MS = 20_000;

export async function serve(role: Role, args: readonly string[]): Promise<void> {
  const options = new Options(args, process.env);
  const log = createLogger(options.logLevel);
  const metrics = createMetrics();
  const host: Host = { log, metrics, locks: new KeyedLock(), maxCallMs: options.seconds('call-timeout') * 1000 };
  {
    await using _started = await start(role, { options, host, metrics, program: process.argv[1] ?? '' });
    const signal = await nextSignal();
    log.info({ signal }, 'stopping');
  }
  log.info({}, 'stopped');
}

/** Listens before anything works by itself: a role that nobody can reach must not keep house, and ends. */
async function start(role: Role, surroundings: Surroundings): Promise<AsyncDisposable> {
  const { options, host, metrics } = surroundings;
  const { health: healthAt } = options;
  await using started = new AsyncDisposableStack();
  const parts = await partsOf(role, surroundings);
  const notReady = (): readonly string[] => parts.flatMap((part) => part.notReady());
  const health = healthAt && (await serveHealth(healthAt, { metrics, notReady }));
  started.defer(() => health?.stop());
  for (const part of parts) started.defer(() => part.stop());

  const identity = identityService(host, {
    name: options.name('driver-name'),
    version: VERSION,
    servesController: role !== 'node',
    look: async (scope) => (await Promise.all(parts.map((part) => part.look(scope)))).flat(),
  });
  const sockets: Listening[] = [];
  started.defer(async () => void (await Promise.all(sockets.map((socket) => socket.stop(STOP_GRACE_MS)))));
  const listenAt = async (endpoint: string, services: readonly Service[]): Promise<void> =>
    void sockets.push(await listen({ endpoint }, services));
  await listenAt(options.text('endpoint'), [identity, ...parts.flatMap((part) => part.services)]);
  const addons = parts.flatMap((part) => part.addons ?? []);
  if (addons.length > 0) await listenAt(options.text('addons-endpoint'), addons);

  for (const part of parts) part.start();
  host.log.info({ role, version: VERSION, socket: sockets[0]?.path, healthPort: health?.port }, 'serving');
  return started.move();
}

async function partsOf(role: Role, surroundings: Surroundings): Promise<readonly Part[]> {
  const parts: Part[] = [];
  // A node runs on every machine and should load nothing of the controller.
  if (role !== 'node') parts.push((await import('./controller.ts')).controllerPart(surroundings));
  if (role !== 'controller') parts.push((await import('./node.ts')).nodePart(surroundings));
  return parts;
}
