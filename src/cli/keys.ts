import type { KeyRing } from '#keys';
import { Failure } from '#lib/failure';
import { formatVolume } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { RemoteEngine } from '#rbd';

interface Rewrapper {
  readonly clusters: { engineAt(cluster: string): RemoteEngine };
  readonly keys: Pick<KeyRing, 'rewrap'>;
}

/**
 * `loligo keys rewrap CLUSTER`: wraps the data keys of all encrypted volumes anew, deleted ones too, after a key-encryption
 * key got a new version. Can be broken off and repeated. Throws `precondition` when some could not be done, after the others.
 */
export async function runKeysCommand(
  { clusters, keys }: Rewrapper,
  [verb, cluster]: readonly [verb: string, cluster: string],
  nextScope: () => Scope,
): Promise<string> {
  if (verb !== 'rewrap' || cluster === '')
    throw new Failure('invalid', 'COMMAND_UNKNOWN', 'usage: loligo keys rewrap CLUSTER [OPTIONS]');
  const engine = clusters.engineAt(cluster);
  const found = await engine.listKeys({}, nextScope());
  const failed: string[] = [];
  for (const old of found) {
    const handle = formatVolume({ cluster, ...old.volume });
    try {
      await engine.replaceKey({ ...old, key: await keys.rewrap(old.key, handle) }, nextScope());
    } catch (error) {
      // What stands in the way of one may be its own; what stands in the way of all is seen once and ends it.
      if (!(error instanceof Failure) || error.kind !== 'precondition') throw error;
      failed.push(`${handle}: ${error.reason}: ${error.message}`);
    }
  }
  if (failed.length === 0) return `the keys of ${found.length} volumes of ${cluster} are wrapped anew`;
  const message = `${failed.length} of ${found.length} keys were not wrapped anew:\n${failed.join('\n')}`;
  throw new Failure('precondition', 'KEYS_NOT_REWRAPPED', message);
}
