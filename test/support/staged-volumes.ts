/** Volumes on the node of a standalone driver: published, staged, and taken away again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from './csi-client.ts';
import { type DriverBed, untilOk } from './driver-bed.ts';
import { removeHostRemains } from './host-remains.ts';

/** What CreateVolume answered, as far as staging needs it. */
export interface Created {
  readonly volumeId: string;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export class StagedVolumes implements AsyncDisposable {
  readonly #bed: DriverBed;
  readonly #capability: object;
  readonly #dir: string;
  readonly #volumes: string[] = [];

  constructor(bed: DriverBed, capability: object) {
    this.#bed = bed;
    this.#capability = capability;
    this.#dir = join(bed.driver.dir, 'published');
    mkdirSync(this.#dir, { recursive: true });
  }

  /** Puts the volume on the node and gives the path where it is published: of its device, or of its file system. */
  async stage(volumeId: string, volumeContext: Created['volumeContext'] = {}): Promise<string> {
    const { csi } = this.#bed;
    const at = this.#paths(volumeId);
    const { nodeId } = await csi.call('NodeGetInfo', {});
    const asked = { volumeId, volumeCapability: this.#capability, volumeContext };
    const { publishContext } = await untilOk(() => csi.call('ControllerPublishVolume', { ...asked, nodeId }));
    this.#volumes.push(volumeId);
    const onNode = { ...asked, publishContext, stagingTargetPath: at.staging };
    await csi.call('NodeStageVolume', onNode);
    await csi.call('NodePublishVolume', { ...onNode, targetPath: at.target });
    return at.target;
  }

  async unstage(volumeId: string): Promise<void> {
    const { csi } = this.#bed;
    const at = this.#paths(volumeId);
    await csi.call('NodeUnpublishVolume', { volumeId, targetPath: at.target });
    await untilOk(() => csi.call('NodeUnstageVolume', { volumeId, stagingTargetPath: at.staging }));
    const { nodeId }: Message = await csi.call('NodeGetInfo', {});
    await untilOk(() => csi.call('ControllerUnpublishVolume', { volumeId, nodeId }));
    this.#volumes.splice(this.#volumes.indexOf(volumeId), 1);
  }

  async unstageAll(): Promise<void> {
    for (const volumeId of [...this.#volumes]) await this.unstage(volumeId);
  }

  /** By force, whatever state the test left. */
  [Symbol.asyncDispose](): Promise<void> {
    removeHostRemains(this.#dir);
    if (this.#volumes.length > 0) removeHostRemains(join(this.#bed.driver.dir, 'state'));
    return Promise.resolve();
  }

  #paths(volumeId: string): { readonly staging: string; readonly target: string } {
    const name = volumeId.replaceAll('/', '-');
    const staging = join(this.#dir, `${name}-staging`);
    mkdirSync(staging, { recursive: true });
    return { staging, target: join(this.#dir, name) };
  }
}
