/**
 * Front door 1: CSI over gRPC. A role makes a Host (what surrounds every call), the services it wants from it, and
 * listens. The path of a request: server.ts, unary.ts (deadline, checks, locks, log, metrics, status), then one file
 * per RPC, in two halves: `read` turns the message into what is wanted, `run` has the engine do it.
 */
export type { Clusters, Controller } from './clusters.ts';
export { controllerService } from './controller/service.ts';
export { groupControllerService } from './group-controller/service.ts';
export { type ClusterState, ClusterWatch } from './identity/cluster-watch.ts';
export { identityService } from './identity/service.ts';
export type { Node } from './node/node.ts';
export { nodeService } from './node/service.ts';
export { parametersPage } from './parameters/parameters-page.ts';
export { Reaper } from './reaper.ts';
export { ReplicationClock } from './replication/clock.ts';
export { replicationServices } from './replication/service.ts';
export { readTopology } from './request/read-topology.ts';
export type { Host } from './rpc.ts';
export { type Listening, listen, type Service } from './server.ts';
export { snapshotMetadataService } from './snapshot-metadata/service.ts';
