import { Failure } from '#lib/failure';
import { formatVolume, parseVolume } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { RemoteEngine } from '#rbd';

/** Brings a deleted volume back under its handle. */
export async function undelete(clusters: { engineAt(cluster: string): RemoteEngine }, text: string, scope: Scope): Promise<string> {
  const handle = parseVolume(text);
  if (handle === undefined)
    throw new Failure('invalid', 'HANDLE_INVALID', `${text} is not a volume's handle: CLUSTER/POOL[/NAMESPACE]/IMAGE`);
  const { cluster, ...ref } = handle;
  const volume = await clusters.engineAt(cluster).undeleteVolume(ref, scope);
  return `${formatVolume(handle)} is back, ${volume.size} bytes`;
}
