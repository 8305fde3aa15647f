/** Puts a role together, bottom up; stopping is the reverse. */
import { type Host, identityService, listen, type Service } from '#csi';
import { KeyedLock } from '#lib/keyed-lock';
import { createLogger, createMetrics, serveHealth } from '#observability';
import { nextSignal } from './next-signal.ts';
import { Options } from './options.ts';
import type { Part, Surroundings } from './part.ts';
import { VERSION } from './version.ts';

/** Milliseconds that calls under way get to end at a stop. */
const STOP_GRACE_MS = 20_000;

export async function serve(role: 'controller' | 'node' | 'standalone', args: readonly string[]): Promise<void> {
  const options = new Options(args, process.env);
  const log = createLogger(options.logLevel);
  const metrics = createMetrics();
  const host: Host = { log, metrics, locks: new KeyedLock(), maxCallMs: options.seconds('call-timeout') * 1000 };
  const surroundings: Surroundings = { options, host, metrics, program: process.argv[1] ?? '' };

  const parts: Part[] = [];
  // A node runs on every machine and should load nothing of the controller.
  if (role !== 'node') parts.push((await import('./controller.ts')).controllerPart(surroundings));
  if (role !== 'controller') parts.push((await import('./node.ts')).nodePart(surroundings));

  const identity = identityService(host, {
    name: options.name('driver-name'),
    version: VERSION,
    servesController: role !== 'node',
    look: async (scope) => (await Promise.all(parts.map((part) => part.look(scope)))).flat(),
  });
  const services: Service[] = [identity, ...parts.flatMap((part) => part.services)];
  const health =
    options.health && (await serveHealth(options.health, { metrics, notReady: () => parts.flatMap((part) => part.notReady()) }));
  const listening = await listen({ endpoint: options.text('endpoint') }, services);
  const addons = parts.flatMap((part) => part.addons ?? []);
  const beside = addons.length > 0 ? await listen({ endpoint: options.text('addons-endpoint') }, addons) : undefined;
  log.info({ role, version: VERSION, socket: listening.path, healthPort: health?.port }, 'serving');

  const signal = await nextSignal();
  log.info({ signal }, 'stopping');
  await Promise.all([listening.stop(STOP_GRACE_MS), beside?.stop(STOP_GRACE_MS)]);
  for (const part of parts.reverse()) await part.stop();
  await health?.stop();
  log.info({}, 'stopped');
}
