import { Failure } from '#lib/failure';
import { type PublishSpec, publish } from '#node';
import type { NodePublishVolumeRequest, NodePublishVolumeResponse } from '../generated/messages.ts';
import { required } from '../refuse.ts';
import { readNodeCapability } from '../request/capability.ts';
import type { Rpc } from '../rpc.ts';
import type { Node } from './node.ts';
import { readNodeVolume } from './read-node-volume.ts';
import { connected, readStaging, type StageWanted } from './read-staging.ts';

/** Modes in which one path at a time has the volume: all of one node but SINGLE_NODE_MULTI_WRITER. */
const SINGLE: ReadonlySet<string> = new Set(['SINGLE_NODE_WRITER', 'SINGLE_NODE_READER_ONLY', 'SINGLE_NODE_SINGLE_WRITER']);

export interface PublishWanted extends Omit<PublishSpec, 'stageSpec'> {
  /** The request says all of it too, the secrets of NodeStageVolume apart. */
  readonly staging: () => StageWanted;
}

/** Shows a staged volume at a target path. */
export const publishVolume: Rpc<Node, NodePublishVolumeRequest, PublishWanted, NodePublishVolumeResponse> = {
  read(request) {
    const { volumeId, stagingTargetPath, targetPath } = request;
    required('volume_id', volumeId);
    required('target_path', targetPath);
    const { mode: reader, access } = readNodeCapability('volume_capability', request.volumeCapability);
    // CSI's own code for it, for staging is a state that has to come first.
    if (stagingTargetPath === '') throw new Failure('precondition', 'STAGING_PATH_MISSING', 'staging_target_path is missing');
    const mode = request.volumeCapability?.accessMode?.mode ?? '';
    const readonly = request.readonly || reader === 'single-reader' || reader === 'multi-reader';
    const mountFlags = access.type === 'mount' ? access.mountFlags : [];
    const target = { path: targetPath, readonly, access: access.type, mode, mountFlags };
    const staging = () => readStaging(request);
    return { ...readNodeVolume(volumeId), stagingPath: stagingTargetPath, target, single: SINGLE.has(mode), staging };
  },

  async run(node, { staging, ...want }, scope) {
    await publish(node.host, { ...want, stageSpec: () => connected(node, staging()) }, scope);
    return {};
  },
};
