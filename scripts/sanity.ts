/** csi-sanity against the driver. */
import { csiSanity } from './csi-sanity.ts';
import { step } from './step.ts';

await step('csi-sanity built from its Go module', csiSanity);
