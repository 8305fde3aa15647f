import { Failure } from '#lib/failure';
import { parseDuration } from '#lib/quantity';
import type { MirrorMode } from '#mirror';
import type { VolumeAsked } from '../controller/read-volume.ts';
import type { EnableVolumeReplicationRequest, EnableVolumeReplicationResponse } from '../generated/replication-messages.ts';
import { oneOf, refused } from '../parameters/values.ts';
import type { Rpc } from '../rpc.ts';
import { lookHere, MARK, type Replication, readReplicated, settle } from './replicated-volume.ts';

interface Wanted extends VolumeAsked {
  readonly mode: MirrorMode;
  /** As it was given: `5m`. */
  readonly interval: string;
  readonly parents: 'flatten' | 'refuse';
}

/** The controller's own; it should not pass them on. */
const RESERVED = 'replication.storage.openshift.io/';
const KNOWN = ['mirroringMode', 'schedulingInterval', 'flattenMode'];

/** Mirrors a volume; done also where it is a copy already. */
export const enableVolumeReplication: Rpc<Replication, EnableVolumeReplicationRequest, Wanted, EnableVolumeReplicationResponse> = {
  read(request) {
    const volume = readReplicated(request);
    const { parameters } = request;
    const unknown = Object.keys(parameters).find((key) => !KNOWN.includes(key) && !key.startsWith(RESERVED));
    if (unknown !== undefined) {
      throw new Failure('invalid', 'PARAMETER_UNKNOWN', `parameter ${JSON.stringify(unknown)} is unknown`);
    }
    const { mirroringMode = 'snapshot', schedulingInterval = '5m', flattenMode = 'never' } = parameters;
    return {
      ...volume,
      mode: oneOf(['snapshot', 'journal'])('mirroringMode', mirroringMode),
      interval: readInterval(schedulingInterval),
      parents: oneOf(['never', 'force'])('flattenMode', flattenMode) === 'force' ? 'flatten' : 'refuse',
    };
  },

  async run(replication, want, scope) {
    const { cluster, ref, mode, interval, parents } = want;
    const { own, mine, name } = await lookHere(replication, want, scope);
    const policy = mine?.detail?.policy ?? '';
    if (policy !== '' && !policy.startsWith(MARK)) {
      throw new Failure('precondition', 'MIRRORED_BY_POLICY', `${name} is mirrored by the MirrorPolicy ${policy} already`);
    }
    // A volume of ours, or there is nothing to say about it.
    await replication.clusters.engineAt(cluster, want.credentials).getVolume(ref, scope);
    const { pool, namespace, image } = ref;
    const place = { pool, namespace };
    const mark = { policy: `${MARK}${interval}`, home: place };
    settle(await own.enableMirroring({ place, images: [image], mode, parents, policy: mark }, scope));
    return {};
  },
};

function readInterval(text: string): string {
  if (!/^\d{1,6}[mhd]$/.test(text) || (parseDuration(text) ?? 0) === 0) {
    throw refused('schedulingInterval', 'is not a number of minutes, hours or days such as 5m');
  }
  return text;
}
