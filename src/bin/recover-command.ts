import { parseArgs } from 'node:util';
import { type PlannedVolume, runRecover } from '#cli';
import { ClusterConfig } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import { formatPlace, isName, type Place, parsePlace } from '#lib/handle';
import { createLogger, createMetrics } from '#observability';
import { applyPlan, hereOf, isKube, KubeApi, planVolumes, readCopies, type Terms, Transport, type VolumePlan } from '#operator';
import { countAgents, EngineClusters } from './engine-clusters.ts';
import { Options } from './options.ts';

const OWN = {
  pool: { type: 'string' },
  cluster: { type: 'string' },
  class: { type: 'string' },
  namespaces: { type: 'string' },
  'map-namespaces': { type: 'string' },
  'map-classes': { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

const USAGE = `usage: loligo recover --pool POOL[/NAMESPACE] [--dry-run] [OPTIONS]
  --pool POOL[/NAMESPACE]      whose volumes
  --dry-run                    prints the plan and builds nothing
  --cluster NAME               the logical cluster; the only one that is configured
  --namespaces A,B             builds in these alone; in all but Kubernetes' own when not given
  --map-namespaces OLD=NEW,…   namespaces that have another name now
  --map-classes OLD=NEW,…      StorageClasses that have another name now
  --class NAME                 the class of volumes of which nobody wrote it down; none when not given`;

/** By KUBECONFIG. Ends with 3 when something was refused. */
export async function recoverCommand(args: readonly string[]): Promise<void> {
  const { own, rest } = split(args);
  const options = new Options(rest, process.env);
  const log = createLogger('silent');
  const config = new ClusterConfig(options.text('clusters'));
  const agents = countAgents(createMetrics());
  await using clusters = new EngineClusters(options, process.argv[1] ?? '', { config, log, agents });
  const place = readPlace(own.pool);
  const cluster = own.cluster ?? onlyOf(clusters.names());
  const scope = { deadline: Date.now() + options.seconds('call-timeout') * 1000, log };
  const transport = Transport.byEnvironment();
  const api = new KubeApi(transport);
  const terms = termsOf(own, cluster, options.name('driver-name'));
  const plan = async (): Promise<readonly PlannedVolume[]> => {
    const kept = await clusters.engineAt(cluster).volumeFacts({ place, images: 'all' }, scope);
    const copies = await answered(() => readCopies(api, log));
    return planVolumes(kept, terms, hereOf(terms.driver, copies)).map((one) => inWords(one, api));
  };
  const where = `${formatPlace(place)} of cluster ${cluster}`;
  const lines = runRecover({ where, dryRun: own['dry-run'] ?? false, plan });
  for (let line = await lines.next(); ; line = await lines.next()) {
    if (line.done === true) {
      if (line.value > 0) process.exitCode = 3;
      break;
    }
    console.log(line.value);
  }
  transport.end();
}

/** Its own options, and those of every role. */
function split(args: readonly string[]): { own: OwnTexts; rest: readonly string[] } {
  const { tokens } = parseArgs({ args: [...args], options: OWN, strict: false, tokens: true, allowPositionals: true });
  const mine = new Set<number>();
  const own: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(OWN, token.name)) continue;
    const isFlag = token.name === 'dry-run';
    if (!isFlag && token.value === undefined) throw new Failure('invalid', 'OPTION_INVALID', USAGE);
    own[token.name] = isFlag ? true : String(token.value);
    mine.add(token.index);
    if (!isFlag && token.inlineValue === false) mine.add(token.index + 1);
  }
  return { own, rest: args.filter((_, index) => !mine.has(index)) };
}

interface OwnTexts {
  readonly pool?: string;
  readonly cluster?: string;
  readonly class?: string;
  readonly namespaces?: string;
  readonly 'map-namespaces'?: string;
  readonly 'map-classes'?: string;
  readonly 'dry-run'?: boolean;
}

function readPlace(text = ''): Place {
  const parts = text.split('/');
  if (parts.length > 2 || !parts.every(isName)) throw new Failure('invalid', 'OPTION_INVALID', USAGE);
  return parsePlace(text);
}

function onlyOf(names: readonly string[]): string {
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  throw new Failure('invalid', 'OPTION_INVALID', `--cluster is one of ${names.join(', ')}`);
}

function termsOf(own: OwnTexts, cluster: string, driver: string): Terms {
  const allowed = (own.namespaces ?? '').split(',').filter((name) => name !== '');
  return {
    cluster,
    driver,
    mayBuildIn: (name) => allowed.length === 0 || allowed.includes(name),
    mayLabel: () => true,
    makesNamespaces: true,
    unknownClass: own.class ?? '',
    namespaces: readMap('map-namespaces', own['map-namespaces']),
    classes: readMap('map-classes', own['map-classes']),
  };
}

function readMap(name: string, text = ''): Readonly<Record<string, string>> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [from = '', to = '', ...more] = pair.split('=');
      if (from === '' || to === '' || more.length > 0) {
        throw new Failure('invalid', 'OPTION_INVALID', `--${name} is not of the form old=new,old=new`);
      }
      return [from, to];
    }),
  );
}

function inWords(plan: VolumePlan, api: KubeApi): PlannedVolume {
  const { volume, claim, actions, refusals, isRefused } = plan;
  return {
    volume,
    claim,
    objects: actions.map((action) => {
      const { namespace, name } = action.object.metadata;
      const what = `${action.kind.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
      return action.do === 'create' ? what : `${what}: kept for the claim of that name again`;
    }),
    refusals: refusals.map(inOneLine),
    isRefused,
    build: async () => (await answered(() => applyPlan(api, plan))).map(inOneLine),
  };
}

function inOneLine({ volume, kind, field, message }: VolumePlan['refusals'][number]): string {
  return `${volume}: ${kind === 'conflict' ? 'conflict: ' : ''}${field}: ${message}`;
}

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isKube(error)) throw new Failure('precondition', 'API_SERVER_REFUSED', error.message, { cause: error });
    throw error;
  }
}
