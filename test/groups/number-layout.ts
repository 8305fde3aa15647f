/**
 * How numbers lie on a device: number n at the slot n modulo SLOTS, each slot in a RADOS object of its own. What a device
 * that holds 1 to n must then show is known for every slot, so a cut that is no moment shows within an image too.
 */

/** Bytes from slot to slot: the size of the volumes' objects. */
export const SLOT = 2 ** 20;
export const SLOTS = 16;
/** Bytes written at once: a page, so that nothing must be read before. */
export const PAGE = 4096;

export function slotOf(number: number): number {
  return (number % SLOTS) * SLOT;
}

/** The number in each slot when the last one written was `last`; 0 in those not written yet. */
export function slotsAfter(last: number): number[] {
  return Array.from({ length: SLOTS }, (_, slot) => Math.max(0, last - ((last - slot + SLOTS) % SLOTS)));
}
