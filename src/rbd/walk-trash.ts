import { type IoContext, listTrash, type TrashEntry } from '#ceph';

const PAGE = 512;

/** All of a place's trash, a page at a time. One round trip for each. */
export async function* walkTrash(io: IoContext): AsyncGenerator<readonly TrashEntry[]> {
  for (let page = await listTrash(io, '', PAGE); page.length > 0; page = await listTrash(io, page.at(-1)?.id ?? '', PAGE)) {
    yield page;
  }
}
