/** Bytes of an encrypted volume's image that lie before its data: LUKS2's header and key slots, as cryptsetup lays them out. */
export const LUKS_HEADER = 16n * 2n ** 20n;
