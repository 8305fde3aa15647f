/** Pages that people read first say what is so: each is held to the code that it speaks of. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OPTION_ROWS } from '../../src/bin/options.ts';
import { LAYERS } from '../architecture/layers.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/*.md'], { cwd: ROOT });

test('ARCHITECTURE.md has the table of layers', () => {
  const rows = tableRows('ARCHITECTURE.md', /^\| `[a-z]+` \|/);

  const told = rows.map(([name = '', values = '', types = '']) => [name, list(values), list(types)]);

  assert.deepEqual(
    told,
    Object.entries(LAYERS).map(([name, layer]) => [`\`${name}\``, layer.values, layer.types]),
  );
});

test('docs/operations.md has every option with what it says of itself', () => {
  const rows = tableRows('docs/operations.md', /^\| `--/);

  const wanted = Object.entries(OPTION_ROWS).map(([name, row]) => [`\`--${name}\``, shownDefault(name, row.standard), row.help]);

  assert.deepEqual(rows, wanted);
});

test('docs/dependencies.md has every package with its licence, and no other', () => {
  const { dependencies, devDependencies, optionalDependencies } = readJson('package.json');
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).toSorted();

  const told = tableRows('docs/dependencies.md', /^\| `[@a-z]/).map(([name = '', licence = '']) => [
    name.replaceAll('`', ''),
    licence,
  ]);

  assert.deepEqual(
    told.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    names.map((name) => [name, readJson(`node_modules/${name}/package.json`).license]),
  );
});

test('every test that docs/promises.md names is there', () => {
  const named = [...read('docs/promises.md').matchAll(/^- `([^`]+)`: (.+)$/gm)];

  const missing = named.filter(([, file = '', name = '']) => !existsSync(join(ROOT, file)) || !nameIn(name).test(read(file)));

  assert.ok(named.length > 20);
  assert.deepEqual(
    missing.map(([line]) => line),
    [],
  );
});

for (const page of PAGES) {
  test(`every file and make target that ${page} names is there`, () => {
    const text = read(page);
    const targets = [...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map(([, target]) => target);

    const linked = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => join(page, '..', path));
    const named = [...text.matchAll(/`((?:src|test|scripts|docs|proto)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    const made = [...text.matchAll(/`make ([a-z0-9-]+)\b/g)].map(([, target = '']) => target);

    assert.deepEqual(
      [...linked, ...named].filter((path) => !existsSync(join(ROOT, path))),
      [],
    );
    // Not every "make" is the program: only those in code, or that some target is called.
    assert.deepEqual(
      made.filter((target) => text.includes(`\`make ${target}`) && !targets.includes(target)),
      [],
    );
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

// biome-ignore lint/suspicious/noExplicitAny: what npm wrote
function readJson(path: string): any {
  return JSON.parse(read(path));
}

/** The cells of the table rows that begin so. */
function tableRows(path: string, begin: RegExp): string[][] {
  const lines = read(path)
    .split('\n')
    .filter((line) => begin.test(line));
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function list(cell: string): string[] {
  return cell === '' ? [] : cell.split(', ');
}

function shownDefault(name: string, standard: string): string {
  if (name === 'node-name') return "the host's name";
  return standard === '' ? 'empty' : `\`${standard}\``;
}

/** The name as it stands in a test, where `…` is filled in, and a quote may be escaped. */
function nameIn(name: string): RegExp {
  const parts = name.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`test\\(\\s*['"\`].*${parts.join('.*')}`);
}
