/** What the first blocks of a device say about the file system on it. */

/** Bytes that the file system covers; `undefined` when the blocks hold none of that type. */
export function filesystemSize(type: string, head: Buffer): bigint | undefined {
  if (type === 'xfs') return xfsSize(head);
  if (type === 'ext4') return ext4Size(head);
  return undefined;
}

/** xfs: big-endian, `XFSB`, block size at 4, number of blocks at 8. */
function xfsSize(head: Buffer): bigint | undefined {
  if (head.length < 16 || head.toString('latin1', 0, 4) !== 'XFSB') return undefined;
  return BigInt(head.readUInt32BE(4)) * head.readBigUInt64BE(8);
}

/** ext4: little-endian from byte 1024: blocks at 0x4 and (with the feature 64bit) 0x150, log of the block size at 0x18. */
function ext4Size(head: Buffer): bigint | undefined {
  if (head.length < 2048 || head.readUInt16LE(1024 + 0x38) !== 0xef53) return undefined;
  const is64bit = (head.readUInt32LE(1024 + 0x60) & 0x80) !== 0;
  const high = is64bit ? BigInt(head.readUInt32LE(1024 + 0x150)) : 0n;
  const blocks = (high << 32n) | BigInt(head.readUInt32LE(1024 + 0x4));
  return blocks << BigInt(10 + head.readUInt32LE(1024 + 0x18));
}

/** mkfs.xfs sets a flag (byte 126) in the superblock first and clears it last; such a one cannot be mounted. */
export function isUnfinishedXfs(head: Buffer): boolean {
  return head.length > 126 && head.toString('latin1', 0, 4) === 'XFSB' && head.readUInt8(126) !== 0;
}
