/** Block volumes on the node of a standalone driver. */
import type { DriverBed } from './driver-bed.ts';
import { StagedVolumes } from './staged-volumes.ts';

const CAPABILITY = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };

export class StagedBlocks extends StagedVolumes {
  constructor(bed: DriverBed) {
    super(bed, CAPABILITY);
  }
}
