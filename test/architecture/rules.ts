/** What each source under src/ must keep to. Each rule looks at one file and gives its complaints. */
import { posix } from 'node:path';
import { findImports, type Import } from './imports.ts';
import { BANNED_NAMES, LAYERS, MAX_LINES, PACKAGES } from './layers.ts';

export interface Source {
  /** Relative to src/, with slashes: `csi/controller/create-volume.ts`. */
  readonly path: string;
  readonly text: string;
}

type Rule = (source: Source, imports: readonly Import[]) => readonly string[];

export const RULES = {
  'known-folder': ({ path }) => (LAYERS[topOf(path)] ? [] : [`src/${topOf(path)} is not in the table of layers`]),

  layers: ({ path }, imports) =>
    imports.flatMap(({ specifier, typeOnly }) => {
      const [, target] = /^#([^/]+)/.exec(specifier) ?? [];
      const layer = LAYERS[topOf(path)];
      if (target === undefined || layer === undefined || layer.values.includes(target) || target === topOf(path)) return [];
      if (!layer.types.includes(target)) return [`${topOf(path)} must not import ${specifier}`];
      return typeOnly ? [] : [`${topOf(path)} may import only types of ${specifier}: write \`import type\``];
    }),

  doors: ({ path }, imports) =>
    imports
      .filter(({ specifier }) => specifier.startsWith('.') && leavesItsFolder(path, specifier))
      .map(({ specifier }) => `${specifier} leaves ${topOf(path)}/: go through its door, #folder`),

  packages: ({ path }, imports) => imports.filter(({ specifier }) => !mayUse(path, specifier)).map(refusal),

  'fork-only': ({ path }, imports) =>
    topOf(path) === 'agent'
      ? imports
          .filter(({ specifier, typeOnly }) => specifier === 'node:child_process' && !typeOnly)
          .filter(({ clause }) => !/^\{(\s*(type \w+|fork)\s*,?)+\}$/.test(clause))
          .map(() => 'the agent starts nothing but itself: import `fork` alone')
      : [],

  size: ({ path, text }) => {
    const lines = text.split('\n').length - 1;
    return lines > MAX_LINES && !isGenerated(path) ? [`${lines} lines, at most ${MAX_LINES}`] : [];
  },

  names: ({ path }) =>
    path
      .replace(/\.ts$/, '')
      .split('/')
      .filter((part) => BANNED_NAMES.includes(part))
      .map((part) => `"${part}" says nothing about what is inside`),

  // A message is for people and may change with any version; kinds, reasons and errno are for code.
  'message-text': ({ text }) =>
    /(\.message|\.toString\(\))\s*\.(includes|match|startsWith|endsWith|search|indexOf)\(/.test(text)
      ? ['looks into the text of a message']
      : [],
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

/** All complaints about one source, as `rule: path: what`. */
export function complaintsAbout(source: Source): string[] {
  const imports = findImports(source.text);
  return Object.entries<Rule>(RULES).flatMap(([name, rule]) =>
    rule(source, imports).map((complaint) => `${name}: src/${source.path}: ${complaint}`),
  );
}

function topOf(path: string): string {
  return path.split('/')[0] ?? '';
}

/** package.json is everybody's: the version stands there. */
function leavesItsFolder(path: string, specifier: string): boolean {
  const target = posix.join(posix.dirname(path), specifier);
  return topOf(target) !== topOf(path) && target !== '../package.json';
}

function isGenerated(path: string): boolean {
  return path.startsWith('csi/generated/');
}

function mayUse(path: string, specifier: string): boolean {
  if (specifier.startsWith('.') || specifier.startsWith('#')) return true;
  const folders = PACKAGES[packageOf(specifier)];
  if (folders === undefined) return specifier.startsWith('node:');
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

/** `@grpc/grpc-js/build/x` is of `@grpc/grpc-js`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function refusal({ specifier }: Import): string {
  const folders = PACKAGES[packageOf(specifier)];
  return folders === undefined
    ? `${specifier} is not in the table of packages`
    : `${specifier} is for ${folders.join(' and ')} alone`;
}
