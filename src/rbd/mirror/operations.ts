/** Mirroring's part of the table of operations (engine.ts). */
import { demoteImages } from './demote-images.ts';
import { disableMirroring } from './disable-mirroring.ts';
import { enableMirroring } from './enable-mirroring.ts';
import { forcePromoteImages } from './force-promote-images.ts';
import { mirrorBehind } from './mirror-behind.ts';
import { mirrorFacts } from './mirror-facts.ts';
import { dropPeer, ensureMirrorPool, ensurePeer, mirrorSite } from './mirror-peering.ts';
import { dropPeerUser, ensurePeerUser } from './peer-user.ts';
import { promoteImages } from './promote-images.ts';
import { resyncDiverged } from './resync-diverged.ts';
import { resyncImages } from './resync-images.ts';
import { allowReplay, stopReplay } from './stop-replay.ts';
import { takeMirrorSnapshots } from './take-mirror-snapshots.ts';
import { changeMirrorTruth, dropMirrorTruth, mirrorTruth } from './truth.ts';

export const MIRRORING = {
  mirrorFacts,
  mirrorBehind,
  mirrorSite,
  ensureMirrorPool,
  ensurePeerUser,
  dropPeerUser,
  ensurePeer,
  dropPeer,
  enableMirroring,
  disableMirroring,
  takeMirrorSnapshots,
  demoteImages,
  promoteImages,
  stopReplay,
  allowReplay,
  forcePromoteImages,
  resyncImages,
  resyncDiverged,
  mirrorTruth,
  changeMirrorTruth,
  dropMirrorTruth,
} as const;
