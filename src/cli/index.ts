/** Front door 3: the administrator's commands. Each does one thing and returns the line to print. */

export { runKeysCommand } from './keys.ts';
export { type Policies, type PolicyView, runMirrorCommand } from './mirror.ts';
export { runNodesCommand } from './nodes.ts';
export { type PlannedVolume, type Recovery, runRecover } from './recover.ts';
export { runVolumeCommand } from './volume.ts';
