/** The part of Kubernetes: asks the driver over CSI for volumes, and has them mounted where a container would find them. */
import { join } from 'node:path';
import type { CsiClient, Message } from '../../test/support/csi-client.ts';
import { untilOk } from '../../test/support/driver-bed.ts';

export type FsType = 'xfs' | 'ext4';

export interface Volume {
  readonly name: string;
  /** The driver's handle, `cluster/pool/image`. */
  readonly id: string;
  readonly fsType: FsType;
  /** What CreateVolume told for the node. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Wanted {
  readonly name: string;
  readonly gib: number;
  readonly fsType: FsType;
  readonly snapshot?: string;
  readonly clone?: Volume;
}

const GiB = 2 ** 30;

export class Volumes {
  readonly #csi: CsiClient;
  readonly #dir: string;
  readonly #parameters: Readonly<Record<string, string>>;
  #node = '';

  constructor(csi: CsiClient, at: { dir: string; parameters: Readonly<Record<string, string>> }) {
    this.#csi = csi;
    this.#dir = at.dir;
    this.#parameters = at.parameters;
  }

  /** Where a container would have the volume. */
  podPath({ name }: Pick<Volume, 'name'>): string {
    return join(this.#dir, 'pods', name);
  }

  async findNode(): Promise<string> {
    const { nodeId } = await this.#ask('NodeGetInfo', {});
    this.#node = nodeId;
    return nodeId;
  }

  async create({ name, gib, fsType, snapshot, clone }: Wanted): Promise<Volume> {
    const source =
      snapshot !== undefined
        ? { snapshot: { snapshotId: snapshot } }
        : clone !== undefined
          ? { volume: { volumeId: clone.id } }
          : undefined;
    const { volume } = await this.#ask('CreateVolume', {
      name,
      capacityRange: { requiredBytes: gib * GiB },
      volumeCapabilities: [capability(fsType)],
      parameters: this.#parameters,
      ...(source === undefined ? {} : { volumeContentSource: source }),
    });
    return { name, id: volume.volumeId, fsType, context: volume.volumeContext };
  }

  async publish(volume: Volume): Promise<Readonly<Record<string, string>>> {
    const { publishContext } = await this.#ask('ControllerPublishVolume', {
      ...this.#using(volume),
      nodeId: this.#node,
    });
    return publishContext;
  }

  /** The image becomes a device; a file system is made when it is blank, and grown when the device has grown; mounted. */
  async stage(volume: Volume, publishContext: Readonly<Record<string, string>>): Promise<void> {
    const at = { publishContext, stagingTargetPath: this.#stagingPath(volume) };
    await this.#ask('NodeStageVolume', { ...this.#using(volume), ...at });
  }

  /** The file system appears at the path of a container too. */
  async bind(volume: Volume, publishContext: Readonly<Record<string, string>>): Promise<void> {
    const at = { publishContext, stagingTargetPath: this.#stagingPath(volume), targetPath: this.podPath(volume) };
    await this.#ask('NodePublishVolume', { ...this.#using(volume), ...at });
  }

  async unstage({ name, id: volumeId }: Volume): Promise<void> {
    await this.#ask('NodeUnpublishVolume', { volumeId, targetPath: this.podPath({ name }) });
    await this.#ask('NodeUnstageVolume', { volumeId, stagingTargetPath: this.#stagingPath({ name }) });
  }

  async unpublish({ id: volumeId }: Volume): Promise<void> {
    await this.#ask('ControllerUnpublishVolume', { volumeId, nodeId: this.#node });
  }

  async expand({ id: volumeId }: Volume, gib: number): Promise<void> {
    await this.#ask('ControllerExpandVolume', { volumeId, capacityRange: { requiredBytes: gib * GiB } });
  }

  async expandOnNode(volume: Volume): Promise<void> {
    const at = { volumePath: this.podPath(volume), stagingTargetPath: this.#stagingPath(volume) };
    await this.#ask('NodeExpandVolume', { volumeId: volume.id, ...at });
  }

  async snapshot({ id }: Volume, name: string): Promise<string> {
    const { snapshot } = await this.#ask('CreateSnapshot', { sourceVolumeId: id, name });
    return snapshot.snapshotId;
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#ask('DeleteSnapshot', { snapshotId });
  }

  async delete({ id: volumeId }: Volume): Promise<void> {
    await this.#ask('DeleteVolume', { volumeId });
  }

  #stagingPath({ name }: Pick<Volume, 'name'>): string {
    return join(this.#dir, 'staging', name);
  }

  /** As a sidecar asks: again while the answer leaves the outcome open. */
  async #ask(method: string, request: object): Promise<Message> {
    return await untilOk(() => this.#csi.call(method, request));
  }

  #using({ id: volumeId, context: volumeContext, fsType }: Volume): object {
    return { volumeId, volumeContext, volumeCapability: capability(fsType) };
  }
}

function capability(fsType: FsType): object {
  return { accessMode: { mode: 'SINGLE_NODE_WRITER' }, mount: { fsType } };
}
