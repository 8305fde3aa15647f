/** Races with a known outcome: what another controller does right before one certain call to Ceph of this one. */
import type { Bed } from './engine-bed.ts';

/** A call to librados or librbd as the binding makes it. */
export interface CCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

type Caller = (name: string, ...args: unknown[]) => Promise<bigint>;

export interface Meanwhile {
  /** Throws when the call never came: then nothing raced. */
  assertMet(): void;
}

/**
 * Lets `act` happen right before the first call that `isMoment` picks, and nothing after. All beds of a test process share
 * the loaded libraries, so the calls that `act` makes itself are not looked at.
 */
export function meanwhile(bed: Bed, isMoment: (call: CCall) => boolean, act: () => Promise<unknown>): Meanwhile {
  // `call` is the one door to the libraries; typed as what passes through here.
  const native = bed.site.cluster.native as unknown as { call: Caller };
  const call = native.call.bind(native);
  let met = false;
  native.call = async (name, ...args) => {
    if (!met && isMoment({ name, args })) {
      met = true;
      native.call = call;
      await act();
    }
    return await call(name, ...args);
  };
  return {
    assertMet() {
      native.call = call;
      if (!met) throw new Error('the call that was waited for never came');
    },
  };
}

/** A compound write to one object. */
export function isWriteTo({ name, args }: CCall, object: string): boolean {
  return name === 'rados_write_op_operate2' && args[2] === object;
}
