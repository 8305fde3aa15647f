/** Takes the actions of plans. Nothing is overwritten: what somebody made meanwhile is looked at by the next plan. */
import type { Log } from '#lib/scope';
import { isKube, type KubeApi, keyOf, nameOf } from '../runtime/index.ts';
import { CONTENTS } from './kinds.ts';
import type { Action, Refusal, VolumePlan } from './plan.ts';

/** In order; the rest of a volume waits for the next plan when one of its objects cannot be made. What the API server refused is a refusal like others. */
export async function applyPlan(api: KubeApi, { volume, actions }: VolumePlan): Promise<readonly Refusal[]> {
  for (const action of actions) {
    try {
      await take(api, action);
    } catch (error) {
      // Somebody was faster: whether it is the same object shows when it is looked at.
      if (isKube(error, 409)) return [];
      // A quota, an admission rule, a right that is missing: for a person. What did not answer is asked again.
      if (isKube(error, 400, 403, 404, 422)) {
        return [{ volume, kind: 'refused', field: `${action.kind.kind} ${keyOf(action.object)}`, message: error.message }];
      }
      throw error;
    }
  }
  return [];
}

/** Whether the cluster has the kinds of snapshots, and we may look at them: neither is needed for volumes. */
export async function servesSnapshots(api: KubeApi, log: Log): Promise<boolean> {
  try {
    await api.listPage(CONTENTS, { limit: '1' });
    return true;
  } catch (error) {
    if (!isKube(error, 403, 404)) throw error;
    log.info({ err: error }, 'snapshots are not looked at');
    return false;
  }
}

async function take(api: KubeApi, action: Action): Promise<void> {
  if (action.do === 'create') {
    await api.create(action.kind, action.object);
    return;
  }
  const { uid, resourceVersion } = action.object.metadata;
  const claimRef = { uid: action.claimUid ?? null, resourceVersion: null };
  // Only while it is as it was seen.
  await api.merge(action.kind, nameOf(action.object), { metadata: { uid, resourceVersion }, spec: { claimRef } });
}
