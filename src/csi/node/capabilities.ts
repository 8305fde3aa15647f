import type { NodeGetCapabilitiesRequest, NodeGetCapabilitiesResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';

const TYPES = [
  'STAGE_UNSTAGE_VOLUME',
  'GET_VOLUME_STATS',
  'EXPAND_VOLUME',
  'SINGLE_NODE_MULTI_WRITER',
  'GET_VOLUME_HEALTH',
  'GET_STORAGE_HEALTH',
] as const;

/** What the Node service can do. */
export const nodeGetCapabilities: Rpc<Node, NodeGetCapabilitiesRequest, Record<never, never>, NodeGetCapabilitiesResponse> = {
  read: () => ({}),

  run: () => Promise.resolve({ capabilities: TYPES.map((type) => ({ type: 'rpc' as const, rpc: { type } })) }),
};
