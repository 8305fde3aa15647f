/**
 * The keys of encrypted volumes. Each volume has a data key of its own; it is kept wrapped by a key-encryption key, which
 * lies in files or in Vault. `key-ring.ts` is the door, `stored-key.ts` the form that is kept with the image.
 */
export { KeyRing } from './key-ring.ts';
export { DATA_KEY_BYTES } from './stored-key.ts';
