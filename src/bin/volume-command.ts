import { undelete } from '#cli';
import { Failure } from '#lib/failure';
import { createLogger, createMetrics } from '#observability';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { Options } from './options.ts';

/** `loligo volume undelete HANDLE [OPTIONS]` */
export async function volumeCommand(args: readonly string[]): Promise<void> {
  const [verb, handle, ...rest] = args;
  if (verb !== 'undelete' || handle === undefined) {
    throw new Failure('invalid', 'COMMAND_UNKNOWN', 'usage: loligo volume undelete CLUSTER/POOL[/NAMESPACE]/IMAGE [OPTIONS]');
  }
  const options = new Options(rest, process.env);
  const log = createLogger('silent');
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { log, agents: countAgents(createMetrics()) });
  console.log(await undelete(clusters, handle, { deadline: Date.now() + options.seconds('call-timeout') * 1000, log }));
}
