/** Our own kinds: described once, in mirror-policy.ts and mirror-volume.ts; types and definitions are made of that. */
export { customResourceDefinitions } from './crd.ts';
export { MIRROR_POLICIES, type MirrorPolicy, type MirrorPolicySpec, type MirrorPolicyStatus } from './mirror-policy.ts';
export { MIRROR_VOLUMES, type MirrorVolume, type MirrorVolumeSpec, type MirrorVolumeStatus } from './mirror-volume.ts';
