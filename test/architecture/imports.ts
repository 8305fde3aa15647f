/** Finds the imports in a source text: enough of the grammar for the way we write, without a compiler. */

export interface Import {
  readonly specifier: string;
  /** Erased when types are stripped: `import type` as a whole, not `import { type X }`, which still loads the module. */
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`, '' for a bare or dynamic import. */
  readonly clause: string;
}

const STATIC = /^(?:import|export)\s+(?:(type)\s+(?!from\b))?([^'";]*?)\s*from\s*['"]([^'"]+)['"]/gm;
const BARE = /^import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

export function findImports(text: string): Import[] {
  const code = text.replaceAll(COMMENT, '');
  const found: Import[] = [];
  for (const [, type, clause = '', specifier = ''] of code.matchAll(STATIC)) {
    found.push({ specifier, typeOnly: type !== undefined, clause });
  }
  for (const pattern of [BARE, DYNAMIC]) {
    for (const [, specifier = ''] of code.matchAll(pattern)) found.push({ specifier, typeOnly: false, clause: '' });
  }
  return found;
}
