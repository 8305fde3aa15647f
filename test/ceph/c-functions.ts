/** C prototypes as text: enough of the grammar for Ceph's headers, koffi's signatures and our `Implements:` blocks. */

export interface Prototype {
  readonly name: string;
  /** What is returned, then each parameter, as the calling convention sees them: `pointer`, `int`, `uint64_t`, … */
  readonly types: readonly string[];
}

const PROTOTYPE = /\b((?:const\s+)?\w+[\s*]+)(r(?:ados|bd)_\w+)\s*\(/g;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;

/** The prototypes of a text, by name: of a header, of a signature. */
export function readPrototypes(text: string): Map<string, Prototype> {
  const code = text.replaceAll(COMMENT, '');
  const found = new Map<string, Prototype>();
  for (const match of code.matchAll(PROTOTYPE)) {
    const [whole, result = '', name = ''] = match;
    const parameters = splitParameters(upToClosing(code.slice(match.index + whole.length)));
    found.set(name, { name, types: [result, ...parameters].map(typeOf) });
  }
  return found;
}

/** The prototypes in the `Implements:` blocks of a source. */
export function readImplements(source: string): Map<string, Prototype> {
  const blocks = source.matchAll(/^ *\* Implements:\n((?: *\* {3}.*\n)+)/gm);
  const text = Array.from(blocks, ([, lines = '']) => lines.replaceAll(/^ *\* {3}/gm, '')).join('');
  return readPrototypes(text);
}

function upToClosing(text: string): string {
  let depth = 1;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return text.slice(0, at);
  }
  return text;
}

/** At the commas that are not within the parameters of a callback. */
function splitParameters(text: string): string[] {
  const flat = text.replaceAll(/\(\*(\w+)\)\s*\([^)]*\)/g, '*$1');
  const parameters = flat.split(',').map((part) => part.trim());
  return parameters.filter((part) => part !== '' && part !== 'void');
}

/** Types that Ceph's headers define: handles and callbacks are pointers. */
const HANDLE =
  /^(rados_(t|ioctx_t|read_op_t|write_op_t|omap_iter_t)|rbd_image_t|rbd_image_options_t|librbd_progress_fn_t|rbd_completion_t|rbd_callback_t)$/;
const SAME: Readonly<Record<string, string>> = { ssize_t: 'int64_t', unsigned: 'uint32_t' };

function typeOf(declaration: string): string {
  if (declaration.includes('*')) return 'pointer';
  const [type = ''] = declaration
    .replaceAll(/\b(const|_Out_)\b/g, '')
    .trim()
    .split(/\s+/);
  return HANDLE.test(type) ? 'pointer' : (SAME[type] ?? type);
}
