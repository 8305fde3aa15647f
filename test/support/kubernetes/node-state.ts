/** What a node has of what drivers make: to be the same before and after. */
import { namespaceOf, pids, procFile } from './container-processes.ts';
import type { Host } from './host.ts';
import type { Kube } from './kube.ts';
import { loopsOf } from './loops.ts';

export interface NodeState {
  /** Where what is mounted, FUSE mounts among them. */
  readonly mounts: readonly string[];
  readonly programs: readonly string[];
  /** Files, sockets and devices of the driver's folders; folders do not count. */
  readonly files: readonly string[];
}

export interface ClusterState {
  readonly nodes: Readonly<Record<string, NodeState>>;
  /** Loop devices of the whole cluster. */
  readonly loops: readonly string[];
}

export async function clusterState(kube: Kube, folders: readonly string[]): Promise<ClusterState> {
  const nodes = await Promise.all(kube.nodes.map(async (node) => [node.name, await nodeState(node, folders)] as const));
  return { nodes: Object.fromEntries(nodes), loops: await loopsOf(kube.nodes, kube.dir) };
}

async function nodeState(node: Host, folders: readonly string[]): Promise<NodeState> {
  const table = await node.run('findmnt', ['--raw', '--noheadings', '--output', 'TARGET,FSTYPE']);
  // A folder that is not there holds nothing.
  const files = await node.run('find', [...folders, '-not', '-type', 'd']).catch(() => '');
  return { mounts: lines(table), programs: programsOf(node), files: lines(files) };
}

/** Programs of containers on the node; not those of sandboxes, which kubelet ends some time after their pods. */
function programsOf(node: Host): readonly string[] {
  const pod = `/${node.name}/kubepods/`;
  const isInPod = (pid: number): boolean => namespaceOf(pid, 'pid') !== '' && procFile(pid, 'cgroup').includes(pod);
  return pids()
    .filter(isInPod)
    .map((pid) => procFile(pid, 'cmdline').replaceAll('\0', ' ').trim())
    .filter((command) => command !== '' && command !== '/pause')
    .toSorted();
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
}
