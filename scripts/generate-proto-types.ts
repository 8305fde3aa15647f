/**
 * Makes src/csi/generated from proto/*.proto: the types of its messages, the descriptor as JSON that the server
 * loads (no .proto is read at run time), and for each package the list of message names that handlers import.
 *
 *     node scripts/generate-proto-types.ts            writes them
 *     node scripts/generate-proto-types.ts --check    fails when what is there differs
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import protobuf from 'protobufjs';

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'src/csi/generated');
const generator = join(root, 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js');
const protos = ['csi.proto', 'csi-addons-identity.proto', 'csi-addons-replication.proto'];
/** Each package, and the file that its messages are imported from. */
const packages = { 'csi.v1': 'messages.ts', identity: 'identity-messages.ts', replication: 'replication-messages.ts' };
/** The same choices as src/csi/definitions.ts makes when it loads the descriptor. */
const choices = ['--longs=String', '--enums=String', '--bytes=Buffer', '--defaults', '--oneofs'];
const style = ['--grpcLib=@grpc/grpc-js', '--targetFileExtension=.ts', '--importFileExtension=.ts'];

if (process.argv.includes('--check')) check();
else generate(target);

function generate(out: string): void {
  rmSync(out, { recursive: true, force: true });
  // Run in the project's root with relative names, for they are written into the files' heads.
  execFileSync(process.execPath, [generator, ...choices, ...style, '-I', 'proto', '-O', relative(root, out), ...protos], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const descriptor = load();
  writeFileSync(join(out, 'descriptor.json'), `${JSON.stringify(slim(descriptor.toJSON()))}\n`);
  for (const [name, file] of Object.entries(packages)) writeFileSync(join(out, file), messages(descriptor, name));
}

function load(): protobuf.Root {
  const descriptor = new protobuf.Root();
  descriptor.resolvePath = (_origin, file) => join(root, file.startsWith('google/') ? 'node_modules/protobufjs' : 'proto', file);
  return descriptor.loadSync(protos);
}

/** Leaves out descriptor.proto and what extends it: only who compiles a .proto needs them, the options' values are kept. */
function slim(descriptor: protobuf.INamespace): protobuf.INamespace {
  const own = Object.entries(inside(descriptor, 'csi', 'v1')).filter(([, inner]) => !('extend' in inner));
  const wellKnown = Object.entries(inside(descriptor, 'google', 'protobuf')).filter(
    ([name]) => name === 'Timestamp' || name === 'Duration' || name.endsWith('Value'),
  );
  const addons = ['identity', 'replication'].map((name) => [name, { nested: inside(descriptor, name) }] as const);
  return { nested: { csi: packageOf('v1', own), ...Object.fromEntries(addons), google: packageOf('protobuf', wellKnown) } };
}

type Entries = readonly [string, protobuf.AnyNestedObject][];

function packageOf(name: string, entries: Entries): protobuf.INamespace {
  return { nested: { [name]: { nested: Object.fromEntries(entries) } } };
}

function inside(space: protobuf.INamespace, ...path: readonly string[]): Record<string, protobuf.AnyNestedObject> {
  let at: protobuf.AnyNestedObject = space;
  for (const name of path) {
    const inner: protobuf.AnyNestedObject | undefined = 'nested' in at ? at.nested?.[name] : undefined;
    if (inner === undefined) throw new TypeError(`the protocol has no ${path.join('.')}`);
    at = inner;
  }
  return 'nested' in at ? (at.nested ?? {}) : {};
}

/**
 * Messages that are read (requests and what is in them) under their plain names in the strict form, where every field
 * is there; what only is sent in the form that may leave fields out.
 */
function messages(descriptor: protobuf.Root, packageName: string): string {
  const space = descriptor.lookup(packageName);
  if (!(space instanceof protobuf.Namespace)) throw new TypeError(`the protocol has no package ${packageName}`);
  const types = space.nestedArray.filter((inner) => inner instanceof protobuf.Type);
  const read = new Set<string>();
  for (const type of types.filter(({ name }) => name.endsWith('Request'))) collect(type, read);
  const lines = types.map(({ name }) => {
    const exported = read.has(name) ? `${name}__Output as ${name}` : name;
    return `export type { ${exported} } from './${packageName.replaceAll('.', '/')}/${name}.ts';`;
  });
  return `// Made by scripts/generate-proto-types.ts from proto\n\n${lines.sort().join('\n')}\n`;
}

function collect(type: protobuf.Type, into: Set<string>): void {
  into.add(type.name);
  for (const field of type.fieldsArray) {
    const inner = field.resolve().resolvedType;
    if (inner instanceof protobuf.Type && !into.has(inner.name)) collect(inner, into);
  }
}

function check(): void {
  const fresh = mkdtempSync(join(tmpdir(), 'loligo-proto-'));
  try {
    const out = join(fresh, 'generated');
    generate(out);
    const stale = differences(target, out);
    for (const name of stale) process.stderr.write(`src/csi/generated/${name} is stale: run make update\n`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function differences(here: string, there: string): string[] {
  const [old, fresh] = [contents(here), contents(there)];
  const names = new Set([...old.keys(), ...fresh.keys()]);
  return [...names].filter((name) => old.get(name) !== fresh.get(name));
}

function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path, 'utf8')];
    }),
  );
}
