import { isDeepStrictEqual } from 'node:util';
import type { JsonPatch, KubeApi } from './api.ts';
import { type Kind, type KubeObject, nameOf } from './objects.ts';

/**
 * Writes a status to the status subresource, unless it is that already; the object as it is then, or undefined when nothing
 * was written. It replaces the whole status: what is not found any more must not stay. The object must still be the
 * same one (its uid), not its namesake; its version is not asked for: what a pass saw is no less true when a spec was edited meanwhile.
 */
export async function writeStatus<T extends KubeObject>(
  api: KubeApi,
  at: { readonly kind: Kind; readonly object: T },
  status: object,
): Promise<T | undefined> {
  // As it will be read again: fields that are undefined are not there.
  const wanted: unknown = JSON.parse(JSON.stringify(status));
  if (isDeepStrictEqual(statusOf(at.object), wanted)) return undefined;
  const patch: JsonPatch = [
    { op: 'test', path: '/metadata/uid', value: at.object.metadata.uid },
    { op: 'add', path: '/status', value: wanted },
  ];
  return await api.patch<T>({ kind: at.kind, name: nameOf(at.object), subresource: 'status' }, patch);
}

export function statusOf(object: KubeObject): unknown {
  return 'status' in object ? object.status : undefined;
}
