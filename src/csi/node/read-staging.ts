/** How a volume is staged, as NodeStageVolume and NodePublishVolume both say it. */
import type { Credentials } from '#lib/cluster-config';
import { Failure } from '#lib/failure';
import type { StageSpec } from '#node';
import type { NodeStageVolumeRequest } from '../generated/messages.ts';
import { readNodeCapability } from '../request/capability.ts';
import { readCredentials } from '../request/credentials.ts';
import type { Node } from './node.ts';
import { readNodeVolume } from './read-node-volume.ts';

export interface StageWanted extends Omit<StageSpec, 'connection'> {
  readonly credentials: Credentials | undefined;
  /** The site that the controller published the volume from; '' when nobody said. */
  readonly site: string;
}

export function readStaging(request: NodeStageVolumeRequest): StageWanted {
  const { mode, access } = readNodeCapability('volume_capability', request.volumeCapability);
  const { mapper = '', mapOptions = '', mkfsOptions = '' } = request.volumeContext;
  return {
    ...readNodeVolume(request.volumeId),
    stagingPath: request.stagingTargetPath,
    access: access.type,
    readonly: mode === 'single-reader' || mode === 'multi-reader',
    exclusive: mode === 'single-writer',
    fsType: access.type === 'mount' ? access.fsType : '',
    mountFlags: access.type === 'mount' ? access.mountFlags : [],
    ...{ mapper, mapOptions, mkfsOptions },
    credentials: readCredentials(request.secrets),
    encryption: readEncryption(request),
    site: request.publishContext['site'] ?? '',
  };
}

/** With the connection to the volume's cluster. Throws `precondition` where this node is configured for another site of it. */
export function connected({ clusters }: Node, { credentials, site, ...spec }: StageWanted): StageSpec {
  const connection = clusters.get(spec.volume.cluster, credentials);
  if (site !== '' && site !== connection.site) {
    const message = `the volume is published from site ${site}, and this node is configured for site ${connection.site}`;
    throw new Failure('precondition', 'SITE_DIFFERS', message);
  }
  return { ...spec, connection };
}

/** A volume whose class says that it is encrypted is never taken for another, whatever the rest of the request lacks. */
function readEncryption({ publishContext, volumeContext }: NodeStageVolumeRequest): StageSpec['encryption'] {
  const { encryptionKey: storedKey, mayFormat } = publishContext;
  if (storedKey !== undefined) return { storedKey, mayFormat: mayFormat === 'true' };
  if (volumeContext['encrypted'] !== 'true') return undefined;
  const message = 'the volume is encrypted, and publish_context has no encryptionKey: ControllerPublishVolume comes first';
  throw new Failure('invalid', 'VOLUME_KEY_MISSING', message);
}
