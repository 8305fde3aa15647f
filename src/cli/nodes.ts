import { Failure } from '#lib/failure';
import type { Scope } from '#lib/scope';
import type { RemoteEngine } from '#rbd';

const VERBS: Readonly<Record<string, { readonly lost: boolean; readonly said: string }>> = {
  lost: { lost: true, said: 'is lost: a volume that is taken from it cuts its client off from Ceph' },
  back: { lost: false, said: 'is back; what was cut off stays so, and the node opens its volumes anew' },
};

/** Says of a node that it is lost, or back, in every configured cluster; returns the line to print. */
export async function runNodesCommand(
  clusters: { names(): readonly string[]; engineAt(cluster: string): RemoteEngine },
  [verb, node]: readonly [verb: string, node: string],
  scope: Scope,
): Promise<string> {
  const meant = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (meant === undefined || node === '')
    throw new Failure('invalid', 'COMMAND_UNKNOWN', 'usage: loligo nodes lost|back NODE [OPTIONS]');
  for (const cluster of clusters.names())
    await clusters.engineAt(cluster).markNode({ node, lost: meant.lost, by: 'person' }, scope);
  return `${node} ${meant.said}`;
}
