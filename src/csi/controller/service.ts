import type { Controller } from '../clusters.ts';
import { CONTROLLER } from '../definitions.ts';
import type { ControllerHandlers } from '../generated/csi/v1/Controller.ts';
import type { Host } from '../rpc.ts';
import type { Service } from '../server.ts';
import { serving } from '../unary.ts';
import { controllerGetCapabilities } from './capabilities.ts';
import { createSnapshot } from './create-snapshot.ts';
import { createVolume } from './create-volume.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { deleteVolume } from './delete-volume.ts';
import { expandVolume } from './expand-volume.ts';
import { getCapacity } from './get-capacity.ts';
import { getSnapshot } from './get-snapshot.ts';
import { getVolume } from './get-volume.ts';
import { getVolumeHealth } from './get-volume-health.ts';
import { listSnapshots } from './list-snapshots.ts';
import { listVolumeHealth } from './list-volume-health.ts';
import { listVolumes } from './list-volumes.ts';
import { LOCKS } from './locks.ts';
import { modifyVolume } from './modify-volume.ts';
import { publishVolume } from './publish-volume.ts';
import { unpublishVolume } from './unpublish-volume.ts';
import { validateVolumeCapabilities } from './validate-volume-capabilities.ts';

/** The Controller service, complete: an RPC without a handler here does not compile. */
export function controllerService(host: Host, controller: Controller): Service {
  const serve = serving(host, controller);
  const handlers: ControllerHandlers = {
    CreateVolume: serve('CreateVolume', createVolume, LOCKS.CreateVolume),
    DeleteVolume: serve('DeleteVolume', deleteVolume, LOCKS.DeleteVolume),
    ControllerPublishVolume: serve('ControllerPublishVolume', publishVolume, LOCKS.ControllerPublishVolume),
    ControllerUnpublishVolume: serve('ControllerUnpublishVolume', unpublishVolume, LOCKS.ControllerUnpublishVolume),
    ControllerExpandVolume: serve('ControllerExpandVolume', expandVolume, LOCKS.ControllerExpandVolume),
    ControllerModifyVolume: serve('ControllerModifyVolume', modifyVolume, LOCKS.ControllerModifyVolume),
    ValidateVolumeCapabilities: serve('ValidateVolumeCapabilities', validateVolumeCapabilities, LOCKS.ValidateVolumeCapabilities),
    ListVolumes: serve('ListVolumes', listVolumes, LOCKS.ListVolumes),
    ControllerGetVolume: serve('ControllerGetVolume', getVolume, LOCKS.ControllerGetVolume),
    ControllerGetVolumeHealth: serve('ControllerGetVolumeHealth', getVolumeHealth, LOCKS.ControllerGetVolumeHealth),
    ControllerListVolumeHealth: serve('ControllerListVolumeHealth', listVolumeHealth, LOCKS.ControllerListVolumeHealth),
    GetCapacity: serve('GetCapacity', getCapacity, LOCKS.GetCapacity),
    CreateSnapshot: serve('CreateSnapshot', createSnapshot, LOCKS.CreateSnapshot),
    DeleteSnapshot: serve('DeleteSnapshot', deleteSnapshot, LOCKS.DeleteSnapshot),
    GetSnapshot: serve('GetSnapshot', getSnapshot, LOCKS.GetSnapshot),
    ListSnapshots: serve('ListSnapshots', listSnapshots, LOCKS.ListSnapshots),
    ControllerGetCapabilities: serve('ControllerGetCapabilities', controllerGetCapabilities, LOCKS.ControllerGetCapabilities),
  };
  return { definition: CONTROLLER, handlers };
}
