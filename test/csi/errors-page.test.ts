/** docs/errors.md against the sources: every reason word is documented, with its kinds, and none that is gone. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { requestType } from '../../src/csi/definitions.ts';
import { CODES } from '../../src/csi/status.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Words of the same form that are no reasons: variables of the environment, Ceph's own names of health checks, capabilities of processes. */
const ELSEWHERE = /^(CSI|LOLIGO|UV|LC|PG|SYS)_/;

interface Found {
  readonly files: Set<string>;
  readonly kinds: Set<string>;
  /** True when it stands somewhere without its kind, other than to be compared: there may be others. */
  isToldElsewhere: boolean;
}

/** Every `'WORD_WORD'` in src; its kind where it stands beside it, as in `new Failure('invalid', 'FIELD_MISSING', …)`. */
function reasonsInSource(): Map<string, Found> {
  const found = new Map<string, Found>();
  const files = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) => !file.includes('csi/generated/'));
  for (const file of files) {
    const text = readFileSync(resolve(ROOT, file), 'utf8');
    for (const [, kind, compared, word = ''] of text.matchAll(
      /(?:'([a-z-]+)',\s*|([!=]== ))?'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|UNFORESEEN)'/g,
    )) {
      if (ELSEWHERE.test(word) || ofProtocol().has(word)) continue;
      const entry = found.get(word) ?? { files: new Set<string>(), kinds: new Set<string>(), isToldElsewhere: false };
      entry.files.add(file);
      if (kind !== undefined && Object.hasOwn(CODES, kind)) entry.kinds.add(kind);
      else if (compared === undefined) entry.isToldElsewhere = true;
      found.set(word, entry);
    }
  }
  return found;
}

function ofProtocol(): Set<string> {
  const words = new Set<string>();
  const collect = (space: protobuf.NamespaceBase): void => {
    for (const inner of space.nestedArray) {
      if (inner instanceof protobuf.Enum) for (const word of Object.keys(inner.values)) words.add(word);
      if (inner instanceof protobuf.Namespace) collect(inner);
    }
  };
  collect(requestType('Probe').root);
  return words;
}

function reasonsInPage(): Map<string, readonly string[]> {
  const page = readFileSync(resolve(ROOT, 'docs/errors.md'), 'utf8');
  const rows = page.matchAll(/^\| `([A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm);
  return new Map([...rows].map(([, word = '', kinds = '']) => [word, kinds.split(', ')]));
}

const source = reasonsInSource();
const page = reasonsInPage();

test('the scan finds what it is for', () => {
  assert.ok(source.size > 50);
  assert.deepEqual([...(source.get('PARAMETER_UNKNOWN')?.kinds ?? [])], ['invalid']);
});

test('every reason word in src is documented in docs/errors.md', () => {
  const missing = [...source].filter(([word]) => !page.has(word)).map(([word, { files }]) => `${word} (${[...files].join(', ')})`);

  assert.deepEqual(missing, []);
});

test('docs/errors.md documents no reason word that is gone', () => {
  assert.deepEqual(
    [...page.keys()].filter((word) => !source.has(word)),
    [],
  );
});

test('no page names a reason word that is gone', () => {
  const known = new Set([...source.keys(), ...ofProtocol(), ...Object.keys(status)]);
  const gone = globSync('docs/*.md', { cwd: ROOT }).flatMap((file) => {
    const words = readFileSync(resolve(ROOT, file), 'utf8').matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g);
    const unknown = [...words].filter(([, word = '']) => !known.has(word) && !ELSEWHERE.test(word));
    return unknown.map(([, word]) => `${file}: ${word}`);
  });

  assert.deepEqual(gone, []);
});

test('docs/errors.md names the kinds that each reason has in src', () => {
  const wrong = [...source].flatMap(([word, { kinds }]) => {
    const documented = page.get(word) ?? [];
    return [...kinds].filter((kind) => !documented.includes(kind)).map((kind) => `${word} is also ${kind}`);
  });

  assert.deepEqual(wrong, []);
});

test('docs/errors.md names no kind that a reason no longer has in src', () => {
  const gone = [...source].flatMap(([word, { kinds, isToldElsewhere }]) => {
    if (isToldElsewhere) return [];
    return (page.get(word) ?? []).filter((kind) => !kinds.has(kind)).map((kind) => `${word} is not ${kind}`);
  });

  assert.deepEqual(gone, []);
});

test('docs/errors.md has every kind in its table of codes', () => {
  const text = readFileSync(resolve(ROOT, 'docs/errors.md'), 'utf8');

  for (const kind of Object.keys(CODES)) {
    assert.match(text, new RegExp(`^\\| [^|]*\\b${kind}\\b[^|]* \\| [A-Z_]+ \\| (yes|no) \\|$`, 'm'));
  }
});
