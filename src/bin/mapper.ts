import { basename } from 'node:path';
import { Failure } from '#lib/failure';
import { LocalKeeper, LocalNbdKeeper, serveKeeper } from '#node';
import { createLogger, createMetrics, serveHealth } from '#observability';
import { nextSignal } from './next-signal.ts';
import { Options } from './options.ts';
import { VERSION } from './version.ts';

/**
 * Keeps the processes that carry the volumes' I/O, started and ended at a node role's request. It knows nothing of Ceph,
 * and has nothing to do between requests but to be their parent: in a container they end with it.
 */
export async function serveMapper(args: readonly string[]): Promise<void> {
  const options = new Options(args, process.env);
  const place = { socket: options.text('mapper-socket'), stateDir: options.text('state-dir') };
  if (place.socket === '')
    throw new Failure('invalid', 'OPTION_INVALID', '--mapper-socket is missing: where the mapper role is asked');
  const log = createLogger(options.logLevel);
  const ended: ConstructorParameters<typeof LocalKeeper>[0] = (dir, how) =>
    log.info({ volume: basename(dir), ...how }, 'the process of a volume has ended');
  const keepers = { daemon: new LocalKeeper(ended), nbd: new LocalNbdKeeper(ended) };
  const missing = await keepers.daemon.missing();
  const notReady = missing === undefined ? [] : [`this host lacks ${missing}`];

  await using started = new AsyncDisposableStack();
  const health = options.health && (await serveHealth(options.health, { metrics: createMetrics(), notReady: () => notReady }));
  started.defer(() => health?.stop());
  const served = await serveKeeper(place, keepers, log);
  log.info({ role: 'mapper', version: VERSION, socket: place.socket, missing, healthPort: health?.port }, 'serving');

  const signal = await nextSignal();
  log.info({ signal }, 'stopping');
  await served.stop();
  log.info({}, 'stopped');
}
