import type { Controller } from '../clusters.ts';
import { onVolume } from '../controller/locks.ts';
import { GROUP_CONTROLLER } from '../definitions.ts';
import type { GroupControllerHandlers } from '../generated/csi/v1/GroupController.ts';
import { groupId } from '../request/ids.ts';
import type { Host, Locks } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serving } from '../unary.ts';
import { groupControllerGetCapabilities } from './capabilities.ts';
import { createGroupSnapshot, type GroupWanted } from './create-group-snapshot.ts';
import { deleteGroupSnapshot } from './delete-group-snapshot.ts';
import { getGroupSnapshot } from './get-group-snapshot.ts';
import type { GroupAsked } from './read-group.ts';

const LOCKS = {
  // The volumes too: RBD lets an image be in one group at a time.
  CreateVolumeGroupSnapshot: ({ cluster, spec }: GroupWanted) => [
    `group ${groupId({ cluster, ref: { pool: spec.pool, namespace: spec.namespace, group: spec.group } })}`,
    ...spec.sources.map((ref) => onVolume({ cluster, ref })),
  ],
  DeleteVolumeGroupSnapshot: ({ group }: GroupAsked) => (group === undefined ? [] : [`group ${groupId(group)}`]),
  GetVolumeGroupSnapshot: { unlocked: 'only looks' },
  GroupControllerGetCapabilities: { unlocked: 'answers a constant' },
} satisfies Record<string, Locks<never>>;

/** The GroupController service, complete. */
export function groupControllerService(host: Host, controller: Controller): Service {
  const serve = serving(host, controller);
  const handlers: GroupControllerHandlers = {
    CreateVolumeGroupSnapshot: serve('CreateVolumeGroupSnapshot', createGroupSnapshot, LOCKS.CreateVolumeGroupSnapshot),
    DeleteVolumeGroupSnapshot: serve('DeleteVolumeGroupSnapshot', deleteGroupSnapshot, LOCKS.DeleteVolumeGroupSnapshot),
    GetVolumeGroupSnapshot: serve('GetVolumeGroupSnapshot', getGroupSnapshot, LOCKS.GetVolumeGroupSnapshot),
    GroupControllerGetCapabilities: serve(
      'GroupControllerGetCapabilities',
      groupControllerGetCapabilities,
      LOCKS.GroupControllerGetCapabilities,
    ),
  };
  return { definition: GROUP_CONTROLLER, handlers };
}
