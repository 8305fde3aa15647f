import { type Credentials, isCephUser } from '#lib/cluster-config';
import { Failure } from '#lib/failure';

/**
 * The user that a class names through its secrets, or `undefined` for the cluster configuration's own. Keys that are
 * not ours are ignored: a caller may send one set of secrets to everything. Throws `unauthenticated`, without a value.
 */
export function readCredentials(secrets: Readonly<Record<string, string>>): Credentials | undefined {
  const { userID: user = '', userKey = '' } = secrets;
  const key = userKey.trim();
  if (user === '' && key === '') return undefined;
  if (!isCephUser(user)) throw refused('userID is not a CephX user without "client."');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw refused('userKey is not a CephX key');
  return { user, key };
}

function refused(what: string): Failure {
  return new Failure('unauthenticated', 'SECRETS_INVALID', `secrets: ${what}`);
}
