/** What is written down of a cluster from the moment its folder exists, so that whoever finds it can take it down. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The host of the control plane and of Ceph. */
export const CONTROL = 'control';

export interface KubeRecord {
  readonly nodes: readonly string[];
  /** The control group that its nodes' groups lie in. */
  readonly cgroup: string;
  /** Identity of the process without which it is nobody's any more. */
  readonly owner: string;
}

/** `undefined` when there is no cluster in `dir`. */
export function readRecord(dir: string): KubeRecord | undefined {
  const file = fileIn(dir);
  // Written by writeRecord alone.
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as KubeRecord) : undefined;
}

export function writeRecord(dir: string, record: KubeRecord): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${fileIn(dir)}.new`, JSON.stringify(record));
  renameSync(`${fileIn(dir)}.new`, fileIn(dir));
}

function fileIn(dir: string): string {
  return join(dir, 'kube.json');
}
