/** What runs in a pod's containers, as the kernel sees it: found by the control group, from this machine. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Kube } from './kube.ts';

export interface ContainerProcess {
  readonly pod: string;
  /** Its label `app.kubernetes.io/component`. */
  readonly component: string;
  readonly container: string;
  /** On this machine, not in the container. */
  readonly pid: number;
  readonly command: string;
}

/** Of a pod, what says which containers are its. */
interface Pod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status: { readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[] };
}

/** All processes of all containers of a namespace. Some may end while one looks at them. */
export async function containerProcesses(kube: Kube, namespace: string): Promise<readonly ContainerProcess[]> {
  const containers = new Map<string, Omit<ContainerProcess, 'pid' | 'command'>>();
  for (const { metadata, status } of await kube.list<Pod>('pods', namespace)) {
    const component = metadata.labels?.['app.kubernetes.io/component'] ?? '';
    for (const { name, containerID = '' } of status.containerStatuses ?? []) {
      containers.set(containerID.replace(/^\w+:\/\//, ''), { pod: metadata.name, component, container: name });
    }
  }
  return pids().flatMap((pid) => {
    const container = containers.get(containerOf(pid));
    const command = procFile(pid, 'cmdline').replaceAll('\0', ' ').trim();
    return container === undefined || command === '' ? [] : [{ ...container, pid, command }];
  });
}

export function pids(): readonly number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** '' when the process has ended. */
export function procFile(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** One field of /proc/PID/status: `statusField(pid, 'CapEff')`. */
export function statusField(pid: number, field: string): string {
  const line = procFile(pid, 'status')
    .split('\n')
    .find((text) => text.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim() ?? '';
}

/** Which namespace of a kind (`net`, `pid`) it is in, as the kernel names it; '' when it has ended. */
export function namespaceOf(pid: number, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

/** Memory that would come back if these processes ended: shared pages are counted by share. In MiB. */
export function memoryOf(processes: readonly { readonly pid: number }[]): number {
  const kib = processes.map(({ pid }) => Number(/^Pss:\s+(\d+) kB$/m.exec(procFile(pid, 'smaps_rollup'))?.[1] ?? 0));
  return kib.reduce((sum, one) => sum + one, 0) / 1024;
}

/** The last part of a pod's control group is the container's id. */
function containerOf(pid: number): string {
  return /\/([0-9a-f]{64})$/m.exec(procFile(pid, 'cgroup'))?.[1] ?? '';
}
