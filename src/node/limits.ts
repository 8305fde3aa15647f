/** Milliseconds that each kind of step may take before it is given up, and the answer is "not finished". */
export const LIMITS = {
  /** Reading a few blocks of a device that works takes milliseconds. */
  read: 15_000,
  /** Looking something up that needs no device. */
  look: 10_000,
  mount: 60_000,
  /** The kernel writes out what is dirty: with Ceph away this does not end, and must not be given up for good. */
  unmount: 20_000,
  mkfs: 300_000,
  /** A forced check and a growth read all metadata of a large file system. */
  fsck: 1_800_000,
  grow: 1_800_000,
  stats: 5_000,
  loop: 10_000,
  /** Opening the image: connecting (bounded by itself), a dozen operations. */
  map: 40_000,
  /** Until the kernel has taken a device away. */
  unmap: 15_000,
  daemonStart: 10_000,
  daemonStop: 5_000,
  /** One request to the mapper role, which may have to wait for a process to end. */
  keeper: 12_000,
  /** Until rbd-nbd serves: opening the image, and up to 30 s until Ceph takes a dead one that held its lock for dead. */
  serve: 75_000,
  /** A request to the mapper role for that. */
  keeperMap: 85_000,
  /** Until a process that watches its image has told the kernel of its new size. */
  resize: 15_000,
} as const;
