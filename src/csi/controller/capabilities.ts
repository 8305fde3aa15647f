import type { Controller } from '../clusters.ts';
import type { ControllerGetCapabilitiesRequest, ControllerGetCapabilitiesResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';

const ALWAYS = [
  'CREATE_DELETE_VOLUME',
  'PUBLISH_UNPUBLISH_VOLUME',
  'PUBLISH_READONLY',
  'LIST_VOLUMES',
  'GET_CAPACITY',
  'CREATE_DELETE_SNAPSHOT',
  'LIST_SNAPSHOTS',
  'GET_SNAPSHOT',
  'CLONE_VOLUME',
  'EXPAND_VOLUME',
  'MODIFY_VOLUME',
  'GET_VOLUME',
  'GET_VOLUME_HEALTH',
  'LIST_VOLUME_HEALTH',
  'SINGLE_NODE_MULTI_WRITER',
] as const;

/** What the Controller service can do. */
export const controllerGetCapabilities: Rpc<
  Controller,
  ControllerGetCapabilitiesRequest,
  Record<never, never>,
  ControllerGetCapabilitiesResponse
> = {
  read: () => ({}),

  run({ listPublishedNodes }) {
    const types = listPublishedNodes ? [...ALWAYS, 'LIST_VOLUMES_PUBLISHED_NODES' as const] : ALWAYS;
    return Promise.resolve({ capabilities: types.map((type) => ({ type: 'rpc' as const, rpc: { type } })) });
  },
};
