/** The archive that a kernel unpacks as its first root: cpio in the form "newc". Bytes in, bytes out. */

export type Entry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly content: Buffer; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly to: string };

const MODES = { folder: 0o040_755, file: 0o100_000, link: 0o120_777 } as const;

/** Folders must come before what is in them. */
export function cpio(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry.path, modeOf(entry), contentOf(entry), index + 1));
  return Buffer.concat([...parts, ...record('TRAILER!!!', 0, Buffer.alloc(0), 0)]);
}

function modeOf(entry: Entry): number {
  return MODES[entry.kind] | (entry.kind === 'file' ? entry.mode : 0);
}

function contentOf(entry: Entry): Buffer {
  if (entry.kind === 'file') return entry.content;
  return Buffer.from(entry.kind === 'link' ? entry.to : '');
}

function record(path: string, mode: number, content: Buffer, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, time, size, device and special device (two numbers each), length of the name, checksum.
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [padded(Buffer.concat([head, name])), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
