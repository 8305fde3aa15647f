import { isErrno } from '#ceph';
import { Failure } from '#lib/failure';
import { field, parseJson } from '#lib/json';
import type { Site } from '../site.ts';
import type { PeerUser, PeerUserSpec } from './specs.ts';

/** The monitors' part cannot be narrowed to a pool; the data's is, so a key that leaks opens those pools only. */
const MON_CAPS = 'profile rbd-mirror-peer';

/** An existing user whose capabilities differ is mended; its key stays. */
export async function ensurePeerUser(site: Site, { user, pools }: PeerUserSpec): Promise<PeerUser> {
  const entity = `client.${user}`;
  const caps = ['mon', MON_CAPS, 'osd', pools.map((pool) => `profile rbd pool=${pool}`).join(', ')];
  return { user, key: await allowed(user, async () => await ensureKey(site, entity, caps)) };
}

async function ensureKey(site: Site, entity: string, caps: readonly string[]): Promise<string> {
  try {
    return keyOf(await site.cluster.monCommand({ prefix: 'auth get-or-create', entity, caps }));
  } catch (error) {
    // It has other capabilities.
    if (!isErrno(error, 'EINVAL')) throw error;
    await site.cluster.monCommand({ prefix: 'auth caps', entity, caps });
    return keyOf(await site.cluster.monCommand({ prefix: 'auth get', entity }));
  }
}

/** The answer is a list of one; `auth get-or-create` says it so as well. */
function keyOf(answer: string): string {
  const parsed = parseJson(answer);
  const key = field(Array.isArray(parsed) ? parsed[0] : undefined, 'key');
  if (typeof key !== 'string') throw new Failure('unfinished', 'CEPH_ERROR', 'the monitors gave no key for the peer user');
  return key;
}

/** Done also when there is none: the monitors say so by success. */
export async function dropPeerUser(site: Site, { user }: { readonly user: string }): Promise<void> {
  await allowed(user, async () => await site.cluster.monCommand({ prefix: 'auth del', entity: `client.${user}` }));
}

async function allowed<T>(user: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!isErrno(cause, 'EACCES', 'EPERM')) throw cause;
    const message = `Loligo's own user may not manage client.${user}; give peer secrets in the policy, or "mon 'allow *'" to the operator's user`;
    throw new Failure('denied', 'PEER_USER_DENIED', message, { cause });
  }
}
