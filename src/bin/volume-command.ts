import { runVolumeCommand } from '#cli';
import { createLogger, createMetrics } from '#observability';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { Options } from './options.ts';

/** `loligo volume COMMAND HANDLE [OPTIONS]` */
export async function volumeCommand([verb = '', handle = '', ...rest]: readonly string[]): Promise<void> {
  const options = new Options(rest, process.env);
  const log = createLogger('silent');
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { log, agents: countAgents(createMetrics()) });
  const scope = { deadline: Date.now() + options.seconds('call-timeout') * 1000, log };
  console.log(await runVolumeCommand(clusters, [verb, handle], scope));
}
