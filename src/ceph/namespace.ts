import { Decoder, Encoder } from './codec.ts';
import { isErrno } from './errors.ts';
import type { IoContext } from './io-context.ts';
import { ReadOperation } from './operation.ts';

const PAGE = 256;

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
  using operation = new ReadOperation(io);
  const listed = operation.exec('rbd', 'namespace_list', new Encoder().string(after).u64(BigInt(PAGE)).bytes(), 64 + PAGE * 256);
  try {
    await operation.run('rbd_namespace');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  return new Decoder(listed()).list((decoder) => decoder.string());
}
