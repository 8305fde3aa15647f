import { isReachable } from '#node';
import type { NodeGetStorageHealthRequest, NodeGetStorageHealthResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';

/** Which of the configured clusters this node cannot reach. */
export const getStorageHealth: Rpc<Node, NodeGetStorageHealthRequest, Record<never, never>, NodeGetStorageHealthResponse> = {
  read: () => ({}),

  async run({ clusters }) {
    const names = clusters.names();
    const reached = await Promise.all(names.map((name) => isReachable(clusters.get(name).monitors)));
    const lost = names.filter((_, index) => reached[index] === false);
    return { backendHealth: lost.map(unreachable) };
  },
};

function unreachable(cluster: string) {
  const message = `no monitor of cluster ${cluster} answers this node`;
  return { status: 'STORAGE_UNREACHABLE', reason: 'MonitorsUnreachable', message } as const;
}
