/**
 * Who may import whom, the one table that states it. ARCHITECTURE.md draws it, `rules.ts` holds the sources to it.
 *
 *     bin → {csi, operator, cli} → {agent, backup, node} → rbd → {ceph, mirror} → lib
 */

export interface Layer {
  /** Folders of src whose values and types it may import; its own folder always. */
  readonly values: readonly string[];
  /** Folders it may import types from: what they run, runs in another process. */
  readonly types: readonly string[];
}

export const LAYERS: Readonly<Record<string, Layer>> = {
  bin: { values: ['csi', 'operator', 'cli', 'agent', 'backup', 'node', 'rbd', 'ceph', 'keys', 'observability', 'lib'], types: [] },
  csi: { values: ['agent', 'node', 'keys', 'mirror', 'observability', 'lib'], types: ['rbd'] },
  operator: { values: ['agent', 'backup', 'mirror', 'observability', 'lib'], types: ['rbd'] },
  cli: { values: ['agent', 'backup', 'node', 'keys', 'mirror', 'observability', 'lib'], types: ['rbd'] },
  agent: { values: ['rbd', 'ceph', 'observability', 'lib'], types: [] },
  backup: { values: ['agent', 'lib'], types: ['rbd'] },
  node: { values: ['lib'], types: [] },
  rbd: { values: ['ceph', 'mirror', 'lib'], types: [] },
  ceph: { values: ['lib'], types: [] },
  keys: { values: ['lib'], types: [] },
  mirror: { values: ['lib'], types: [] },
  observability: { values: ['lib'], types: [] },
  lib: { values: [], types: [] },
};

/** Packages, and the built-in modules that are not for everybody: a folder named here covers those inside it. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['ceph/native'],
  '@grpc/grpc-js': ['csi', 'bin'],
  '@grpc/proto-loader': ['csi', 'bin'],
  protobufjs: ['csi'],
  pino: ['observability'],
  '@prometheus-io/client': ['observability'],
  '@kubernetes/client-node': ['operator', 'cli'],
  // The agent may only fork: see the rule `fork-only`.
  'node:child_process': ['node', 'backup', 'agent'],
};

/** Words that say nothing about what is inside. */
export const BANNED_NAMES: readonly string[] = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager'];

export const MAX_LINES = 400;
