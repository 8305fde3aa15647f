import { runNodesCommand, runVolumeCommand } from '#cli';
import { createLogger, createMetrics } from '#observability';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { Options } from './options.ts';

const COMMANDS = { volume: runVolumeCommand, nodes: runNodesCommand } as const;

/** `loligo volume VERB HANDLE [OPTIONS]`, `loligo nodes VERB NODE [OPTIONS]` */
export async function runCommand(name: keyof typeof COMMANDS, [verb = '', of = '', ...rest]: readonly string[]): Promise<void> {
  const options = new Options(rest, process.env);
  const log = createLogger('silent');
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { log, agents: countAgents(createMetrics()) });
  const scope = { deadline: Date.now() + options.seconds('call-timeout') * 1000, log };
  console.log(await COMMANDS[name](clusters, [verb, of], scope));
}
