/**
 * What a node does with volumes: an image becomes a device (a mapper), the device a mounted file system (stage), and
 * that appears in pods (publish). No Ceph library and no gRPC here; the state directory says what was wanted, the
 * kernel what is. Start reading at `stage.ts`; a mapper is described in `mapper.ts`, what is kept in `stash.ts`.
 */
export { type ClassOptions, checkClassOptions, MAPPERS } from './class-options.ts';
export { EncryptedMapper, type Unwrap } from './encrypted-mapper.ts';
export { expand } from './expand.ts';
export { Healer } from './healer.ts';
export { isReachable, volumeHealth } from './health.ts';
export { type NodeHost, volumeLock } from './host.ts';
export type { Keepers } from './keeper/keeper.ts';
export { remoteKeepers } from './keeper/remote.ts';
export { serveKeeper } from './keeper/server.ts';
export { KrbdMapper } from './krbd/mapper.ts';
export { LocalNbdKeeper } from './nbd/local-keeper.ts';
export { NbdMapper } from './nbd/mapper.ts';
export { ownAddresses } from './own-addresses.ts';
export { type PublishSpec, publish, unpublish } from './publish.ts';
export { type StageSpec, stage } from './stage.ts';
export { type Usage, volumeStats } from './stats.ts';
export { unstage } from './unstage.ts';
export { LocalKeeper } from './userspace/local-keeper.ts';
export { UserspaceMapper } from './userspace/mapper.ts';
export type { VolumeAt } from './volume-at.ts';
