import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LIBRADOS, LIBRBD } from '../../src/ceph/native/signatures.ts';
import { type Prototype, readImplements, readPrototypes } from './c-functions.ts';

const binding = join(import.meta.dirname, '../../src/ceph');
/** Of librados-dev and librbd-dev, which `make setup` installs. */
const HEADERS = ['/usr/include/rados/librados.h', '/usr/include/rbd/librbd.h'];

/** What koffi is told, by the name that we call it by. */
const signatures = new Map(
  Object.entries({ ...LIBRADOS, ...LIBRBD }).map(([name, text]) => [name, readPrototypes(text).get(name)] as const),
);

/** What the binding says that it implements. */
const implemented = new Map(
  globSync('**/*.ts', { cwd: binding }).flatMap((path) => [...readImplements(readFileSync(join(binding, path), 'utf8'))]),
);

test('every signature is of the function that it stands for', () => {
  const wrong = [...signatures].filter(([, prototype]) => prototype === undefined);

  assert.deepEqual(wrong, []);
});

test('every C function that is called has a block that says where, and every block is of one that is called', () => {
  const called = [...signatures.keys()].toSorted();

  assert.deepEqual([...implemented.keys()].toSorted(), called);
});

test('koffi is told the types that the installed headers declare', () => {
  const declared = readPrototypes(HEADERS.map((path) => readFileSync(path, 'utf8')).join('\n'));

  assert.deepEqual(typesOf(signatures), typesOf(declared, signatures));
});

test('the blocks are the prototypes of the installed headers', () => {
  const declared = readPrototypes(HEADERS.map((path) => readFileSync(path, 'utf8')).join('\n'));

  assert.deepEqual(typesOf(implemented), typesOf(declared, implemented));
});

test('a wrong width, a parameter too few and a callback are told apart', () => {
  const header = readPrototypes(
    'CEPH_RBD_API int rbd_x(rbd_image_t image, uint64_t ofs,\n  int (*cb)(uint64_t, size_t), void *arg);',
  );

  const narrow = readPrototypes('int rbd_x(void *image, uint32_t ofs, rbd_extent *cb, void *arg)');
  const short = readPrototypes('int rbd_x(void *image, uint64_t ofs, rbd_extent *cb)');
  const right = readPrototypes('int rbd_x(void *image, uint64_t ofs, rbd_extent *cb, void *arg)');

  assert.deepEqual(header.get('rbd_x')?.types, ['int', 'pointer', 'uint64_t', 'pointer', 'pointer']);
  assert.notDeepEqual(narrow, header);
  assert.notDeepEqual(short, header);
  assert.deepEqual(right, header);
});

function typesOf(
  prototypes: ReadonlyMap<string, Prototype | undefined>,
  only: ReadonlyMap<string, unknown> = prototypes,
): Record<string, readonly string[] | undefined> {
  return Object.fromEntries([...only.keys()].map((name) => [name, prototypes.get(name)?.types]));
}
