/** Conditions as Kubernetes means them: one per type, with the time since when it is as it is. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** A condition as a pass sees it: since when is found out. */
export type Found = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/** What was found now, each with the time since when it has that status: from before, or now. Types not found any more are gone. */
export function mergeConditions(before: readonly Condition[], found: readonly Found[], now: Date): readonly Condition[] {
  return found.map((condition) => {
    const known = before.find(({ type }) => type === condition.type);
    const since = known?.status === condition.status ? known.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, 'Z');
    return { ...condition, message: condition.message.slice(0, MESSAGE_MAX), lastTransitionTime: since };
  });
}

/** The API takes 32,768; a condition is to be read. */
const MESSAGE_MAX = 1024;
