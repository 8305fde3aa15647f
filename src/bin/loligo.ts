/** The program: a role, or an administrator's command, as its first argument. */
import { Failure } from '#lib/failure';
import { keepHeapSmall } from './small-heap.ts';
import { VERSION } from './version.ts';

const ROLES = {
  controller: 'serves the Controller, GroupController and SnapshotMetadata services',
  node: 'serves the Node service',
  mapper: 'keeps the processes that carry I/O, for a node role whose container may end before they do',
  operator: 'mirrors volumes between two sites, as MirrorPolicy objects say',
  standalone: 'serves all services on one socket',
  volume: "an administrator's commands: volume undelete HANDLE, volume adopt HANDLE",
  nodes: "an administrator's commands: nodes lost NODE, nodes back NODE",
  mirror: "an administrator's commands: mirror status|plan|switchover|rollback|failover|resync [POLICY [SITE]]",
  recover: "builds the Kubernetes objects of a pool's volumes from the pool alone: recover --pool POOL [--dry-run]",
  keys: "wraps the keys of a cluster's encrypted volumes anew: keys rewrap CLUSTER",
  version: 'prints the version',
} as const;

async function main(role: string | undefined, args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(await usage());
  switch (role) {
    case 'agent': {
      const { processChannel, runAgent } = await import('#agent/child');
      return runAgent(processChannel());
    }
    case 'controller':
    case 'node':
    case 'standalone':
      return await (await import('./serve.ts')).serve(role, args);
    case 'mapper':
      return await (await import('./mapper.ts')).serveMapper(args);
    case 'operator':
      return await (await import('./operator.ts')).serveOperator(args);
    case 'volume':
    case 'nodes':
    case 'keys':
      return await (await import('./command.ts')).runCommand(role, args);
    case 'mirror':
      return await (await import('./mirror-command.ts')).mirrorCommand(args);
    case 'recover':
      return await (await import('./recover-command.ts')).recoverCommand(args);
    case 'version':
      return console.log(VERSION);
    default:
      console.log(await usage());
      process.exitCode = role === undefined || role === 'help' || role === '--help' ? 0 : 2;
  }
}

async function usage(): Promise<string> {
  // An agent, which has no options, should load nothing that it does not need.
  const { OPTION_ROWS } = await import('./options.ts');
  const line = (name: string, text: string): string => `  ${name.padEnd(24)}${text}`;
  const roles = Object.entries(ROLES).map(([name, text]) => line(name, text));
  const options = Object.entries(OPTION_ROWS).map(([name, row]) => line(`--${name}`, `${row.help} [${row.standard}]`));
  return [`loligo ${VERSION}: Ceph RBD over CSI`, '', 'usage: loligo ROLE [OPTIONS]', '', ...roles, '', ...options].join('\n');
}

keepHeapSmall();
try {
  await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`loligo: ${error.reason}: ${error.message}`);
  process.exitCode = 1;
}
