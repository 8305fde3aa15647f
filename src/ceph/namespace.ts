import { findAnswer } from './class-method.ts';
import { Encoder } from './codec.ts';
import type { IoContext } from './io-context.ts';
import { statObject } from './object.ts';

const PAGE = 256;

/**
 * Whether the RADOS namespace of the context was made: RADOS takes objects in any, and only `rbd namespace create` gives one
 * the directory without which librbd makes no image. Asked in the namespace, so that capabilities for it alone suffice. One
 * round trip, none for the default namespace.
 */
export async function hasNamespace(io: IoContext): Promise<boolean> {
  return io.namespace === '' || (await statObject(io, 'rbd_directory')) !== undefined;
}

/**
 * The names of a pool's RADOS namespaces; asked in its default namespace. One round trip for each 256.
 *
 * Implements: cls_rbd namespace_list on `rbd_namespace`.
 */
export async function listNamespaces(io: IoContext): Promise<string[]> {
  const names: string[] = [];
  for (let after = ''; ; after = names.at(-1) ?? '') {
    const page = await listPage(io, after);
    names.push(...page);
    if (page.length < PAGE) return names;
  }
}

async function listPage(io: IoContext, after: string): Promise<string[]> {
  const input = new Encoder().string(after).u64(BigInt(PAGE));
  const listed = await findAnswer(io, 'rbd_namespace', { method: 'namespace_list', input, room: 64 + PAGE * 256 });
  return listed?.list((decoder) => decoder.string()) ?? [];
}
