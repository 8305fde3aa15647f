import { parseArgs } from 'node:util';
import { type Policies, type PolicyView, runMirrorCommand } from '#cli';
import { Failure } from '#lib/failure';
import { isKube, KubeApi, MIRROR_POLICIES, type MirrorPolicy, Transport } from '#operator';

/** `loligo mirror COMMAND [POLICY [SITE]] [--accept-loss DURATION] [--accept-unknown]`, by KUBECONFIG. */
export async function mirrorCommand(args: readonly string[]): Promise<void> {
  const { values, positionals } = read(args);
  const [verb = '', ...names] = positionals;
  const transport = Transport.byEnvironment();
  const acceptLoss = values['accept-loss'] ?? '';
  const acceptUnknown = values['accept-unknown'] ?? false;
  const lines = runMirrorCommand(policiesAt(new KubeApi(transport)), { verb, names, acceptLoss, acceptUnknown });
  for await (const line of lines) console.log(line);
  transport.end();
}

function read(args: readonly string[]) {
  try {
    const options = { 'accept-loss': { type: 'string' }, 'accept-unknown': { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new Failure('invalid', 'OPTION_INVALID', cause instanceof Error ? cause.message : 'the options cannot be read', {
      cause,
    });
  }
}

function policiesAt(api: KubeApi): Policies {
  const named = async <T>(name: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (isKube(error, 404))
        throw new Failure('not-found', 'POLICY_MISSING', `there is no MirrorPolicy ${name}`, { cause: error });
      if (isKube(error)) throw new Failure('precondition', 'API_SERVER_REFUSED', error.message, { cause: error });
      throw error;
    }
  };
  return {
    list: () =>
      named('', async (): Promise<readonly PolicyView[]> => (await api.listPage<MirrorPolicy>(MIRROR_POLICIES, {})).items),
    get: (name) => named(name, () => api.get<MirrorPolicy>(MIRROR_POLICIES, { namespace: '', name })),
    change: (name, spec) =>
      named(name, async () => {
        await api.merge(MIRROR_POLICIES, { namespace: '', name }, { spec });
      }),
  };
}
