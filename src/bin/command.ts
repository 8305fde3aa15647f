import { runKeysCommand, runNodesCommand, runVolumeCommand } from '#cli';
import { KeyRing } from '#keys';
import { ClusterConfig } from '#lib/cluster-config';
import type { Scope } from '#lib/scope';
import { createLogger, createMetrics } from '#observability';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { Options } from './options.ts';

type Command = 'volume' | 'nodes' | 'keys';

/** `loligo volume VERB HANDLE [OPTIONS]`, `loligo nodes VERB NODE [OPTIONS]`, `loligo keys VERB CLUSTER [OPTIONS]` */
export async function runCommand(name: Command, [verb = '', of = '', ...rest]: readonly string[]): Promise<void> {
  const options = new Options(rest, process.env);
  const log = createLogger('silent');
  const config = new ClusterConfig(options.text('clusters'));
  const agents = countAgents(createMetrics());
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { config, log, agents });
  const nextScope = (): Scope => ({ deadline: Date.now() + options.seconds('call-timeout') * 1000, log });
  const words = [verb, of] as const;
  const commands = {
    volume: () => runVolumeCommand(clusters, words, nextScope()),
    nodes: () => runNodesCommand(clusters, words, nextScope()),
    keys: () => runKeysCommand({ clusters, keys: new KeyRing(options.text('encryption-keys')) }, words, nextScope),
  };
  console.log(await commands[name]());
}
