import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BANNED_NAMES, LAYERS, MAX_LINES, PACKAGES } from './layers.ts';
import { complaintsAbout, RULES, type RuleName, type Source } from './rules.ts';

const src = join(import.meta.dirname, '../../src');

test('every source keeps to the rules', () => {
  const paths = globSync('**/*.ts', { cwd: src });

  const complaints = paths.flatMap((path) => complaintsAbout({ path, text: readFileSync(join(src, path), 'utf8') }));

  assert.ok(paths.length > 0);
  assert.deepEqual(complaints, []);
});

test('the layers have no cycle', () => {
  const reach = (from: string, seen: string[]): string[] =>
    (LAYERS[from]?.values ?? []).flatMap((next) =>
      seen.includes(next) ? [[...seen, next].join(' → ')] : reach(next, [...seen, next]),
    );

  const cycles = Object.keys(LAYERS).flatMap((layer) => reach(layer, [layer]));

  assert.deepEqual(cycles, []);
});

const BAD: Record<RuleName, Record<string, Source>> = {
  'known-folder': {
    'a new top folder': { path: 'extras/x.ts', text: '' },
  },
  layers: {
    'a front door that imports another': { path: 'csi/x.ts', text: "import { y } from '#cli';" },
    'a front door that imports the binding': { path: 'csi/x.ts', text: "import type { Image } from '#ceph';" },
    'a front door that loads the engine': { path: 'csi/controller/x.ts', text: "import { createVolume } from '#rbd';" },
    'a type marked inside the braces, which loads it all the same': {
      path: 'csi/x.ts',
      text: "import { type Volume } from '#rbd';",
    },
    'an engine loaded on demand': { path: 'csi/x.ts', text: "const rbd = await import('#rbd');" },
    'an engine passed on': { path: 'cli/x.ts', text: "export { createVolume } from '#rbd';" },
    'an import over several lines': { path: 'rbd/x.ts', text: "import {\n  a,\n  b,\n} from '#agent';" },
    'an import for its effect': { path: 'ceph/x.ts', text: "import '#rbd';" },
    'a leaf that imports the engine': { path: 'lib/x.ts', text: "import type { Volume } from '#rbd';" },
    'a node that imports the agent': { path: 'node/x.ts', text: "import { pool } from '#agent';" },
  },
  doors: {
    'a relative import that leaves its folder': { path: 'csi/x.ts', text: "import { y } from '../rbd/y.ts';" },
    'one that leaves src': { path: 'bin/x.ts', text: "import { y } from '../../test/support/y.ts';" },
    'even for a type': { path: 'csi/node/x.ts', text: "import type { Y } from '../../lib/y.ts';" },
  },
  packages: {
    'koffi outside ceph/native': { path: 'ceph/x.ts', text: "import koffi from 'koffi';" },
    'grpc outside csi and bin': { path: 'agent/x.ts', text: "import { status } from '@grpc/grpc-js';" },
    'pino outside observability': { path: 'csi/x.ts', text: "import pino from 'pino';" },
    'the Kubernetes client in the node role': { path: 'node/x.ts', text: "import { KubeConfig } from '@kubernetes/client-node';" },
    'a program started by the engine': { path: 'rbd/x.ts', text: "import { execFile } from 'node:child_process';" },
    'a part of a package': { path: 'lib/x.ts', text: "import x from 'protobufjs/minimal';" },
    'a package nobody decided on': { path: 'lib/x.ts', text: "import _ from 'lodash';" },
    'a built-in under its old name': { path: 'rbd/x.ts', text: "import { exec } from 'child_process';" },
  },
  'fork-only': {
    'an agent that starts a program': { path: 'agent/x.ts', text: "import { fork, spawn } from 'node:child_process';" },
    'an agent that takes it all': { path: 'agent/x.ts', text: "import * as children from 'node:child_process';" },
  },
  size: {
    'a file too long': { path: 'rbd/x.ts', text: '\n'.repeat(MAX_LINES + 1) },
  },
  names: Object.fromEntries(
    BANNED_NAMES.flatMap((name) => [
      [`a file ${name}.ts`, { path: `rbd/${name}.ts`, text: '' }],
      [`a folder ${name}`, { path: `rbd/${name}/x.ts`, text: '' }],
    ]),
  ),
  'message-text': {
    'a search in a message': { path: 'rbd/x.ts', text: "if (error.message.includes('EEXIST')) return;" },
    'a search in an error as text': { path: 'rbd/x.ts', text: "if (error.toString().includes('EEXIST')) return;" },
  },
};

for (const [rule, sources] of Object.entries(BAD)) {
  describe(`the rule ${rule} refuses`, () => {
    for (const [name, source] of Object.entries(sources)) {
      test(name, () => {
        const complaints = complaintsAbout(source);

        assert.deepEqual(
          complaints.map((complaint) => complaint.split(':')[0]),
          [rule],
        );
      });
    }
  });
}

test('every rule has a source that it refuses', () => {
  assert.deepEqual(
    Object.keys(BAD).filter((rule) => Object.keys(BAD[rule as RuleName]).length === 0),
    [],
  );
  assert.deepEqual(Object.keys(BAD), Object.keys(RULES));
});

const GOOD: Record<string, Source> = {
  'a front door may name the types of the engine': { path: 'csi/x.ts', text: "import type { Volume } from '#rbd';" },
  'a leaf is for everybody': { path: 'rbd/x.ts', text: "import { Failure } from '#lib/failure';" },
  'a folder may import its own door and neighbours': {
    path: 'csi/node/x.ts',
    text: "import { y } from '../y.ts';\nimport '#csi';",
  },
  'the agent may fork': { path: 'agent/x.ts', text: "import { type ChildProcess, fork } from 'node:child_process';" },
  'a comment imports nothing': { path: 'lib/x.ts', text: "/**\n * Use:\nimport { x } from '#rbd';\n */\n// import('#ceph')" },
  'the binding uses koffi': { path: 'ceph/native/x.ts', text: "import koffi from 'koffi';" },
  'the version is read where it stands': { path: 'bin/x.ts', text: "import p from '../../package.json' with { type: 'json' };" },
  'a file of just the size': { path: 'rbd/x.ts', text: '\n'.repeat(MAX_LINES) },
};
for (const [name, source] of Object.entries(GOOD)) {
  test(name, () => assert.deepEqual(complaintsAbout(source), []));
}

test('every package of the table is a dependency or built in', () => {
  const { dependencies } = JSON.parse(readFileSync(join(src, '../package.json'), 'utf8'));

  const unknown = Object.keys(PACKAGES).filter((name) => !name.startsWith('node:') && !(name in dependencies));

  assert.deepEqual(unknown, []);
});
