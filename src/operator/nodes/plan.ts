/** Which nodes are to be marked as lost in a cluster, and which are not any more. Pure. */
import type { LostNodes, NodeMark } from '#rbd';
import type { KubeObject } from '../runtime/index.ts';

/** Whoever sets it has made sure that the node is off, or cannot reach its storage: Kubernetes detaches its volumes by force. */
const TAINT = 'node.kubernetes.io/out-of-service';

export interface Node extends KubeObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] };
}

export function isOutOfService({ spec }: Node): boolean {
  return spec?.taints?.some(({ key }) => key === TAINT) ?? false;
}

/** A node that is deleted stays marked: its volumes may still be taken from it. One that is there again without the taint is back. */
export function planMarks(nodes: readonly Node[], seen: LostNodes): readonly NodeMark[] {
  const marks = nodes.map((node) => ({ node: node.metadata.name, lost: isOutOfService(node), by: 'taint' as const }));
  return marks.filter(({ node, lost }) => (lost ? !seen.everywhere.includes(node) : seen.byTaint.includes(node)));
}
