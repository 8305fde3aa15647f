import { Failure } from '#lib/failure';
import { formatImage } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { RemoteEngine } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { CreateVolumeRequest, CreateVolumeResponse } from '../generated/messages.ts';
import { asTopology } from '../request/topology.ts';
import type { Rpc } from '../rpc.ts';
import { answerVolume } from './answers.ts';
import { keyFor } from './key-for.ts';
import { readVolumeSpec, type VolumeWanted } from './read-volume-spec.ts';

/** Makes a volume; the same name again answers the same volume, or that it is another. */
export const createVolume: Rpc<Controller, CreateVolumeRequest, VolumeWanted, CreateVolumeResponse> = {
  read: readVolumeSpec,

  async run(controller: Controller, want: VolumeWanted, scope: Scope): Promise<CreateVolumeResponse> {
    const engine = controller.clusters.engineAt(want.cluster, want.credentials);
    const { spec, chosen } = await choosePlace(engine, want, scope);
    const key = await keyFor(controller, { ...want, spec }, scope);
    const made = await engine.createVolume({ ...spec, key }, scope);
    const volume = answerVolume(controller, want.cluster, { ...made, source: spec.source });
    const topology = chosen === undefined ? {} : { accessibleTopology: asTopology([chosen]) };
    return { volume: { ...volume, ...topology, volumeContext: want.volumeContext } };
  },
};

/**
 * Where the volume is already, whole or half-made: what is wished for may have moved since an earlier call, and a second
 * volume in another pool would be nobody's. Else where it is wished. Nothing is asked for a class of one pool.
 */
async function choosePlace(engine: RemoteEngine, want: VolumeWanted, scope: Scope): Promise<Pick<VolumeWanted, 'spec' | 'chosen'>> {
  if (want.others.length === 0) return want;
  const among = [want, ...want.others].map(({ spec: { pool, namespace, image } }) => ({ pool, namespace, image }));
  const found = await engine.findImage({ among }, scope);
  const other = want.others.find(({ spec }) => spec.pool === found?.pool);
  if (other === undefined) return want;
  if (other.isReached) return other;
  throw new Failure(
    'conflict',
    'VOLUME_DIFFERS',
    `${formatImage(other.spec)} exists, and accessibility_requirements do not reach its pool`,
  );
}
