import type { Controller } from '../clusters.ts';
import type { GroupControllerGetCapabilitiesRequest, GroupControllerGetCapabilitiesResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';

/** What the GroupController service can do. */
export const groupControllerGetCapabilities: Rpc<
  Controller,
  GroupControllerGetCapabilitiesRequest,
  Record<never, never>,
  GroupControllerGetCapabilitiesResponse
> = {
  read: () => ({}),
  run: () => Promise.resolve({ capabilities: [{ type: 'rpc', rpc: { type: 'CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT' } }] }),
};
