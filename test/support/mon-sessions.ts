/** Who is connected to the monitor: each connection of a client to a cluster holds one session there. */
import type { MicroCeph } from './micro-ceph.ts';

/** The addresses of a user's connections, in the form that a blocklist takes: `127.0.0.1:0/123`. */
export async function sessionsOf(ceph: MicroCeph, user: string): Promise<readonly string[]> {
  const sessions = await ceph.ask('mon', 'sessions');
  if (!Array.isArray(sessions)) throw new TypeError('the monitor told no sessions');
  return sessions.filter((session) => session.entity_name === `client.${user}` && session.open).map(addressOf);
}

function addressOf(session: { addrs: { addrvec: readonly { addr: string; nonce: number }[] } }): string {
  const [first] = session.addrs.addrvec;
  return `${first?.addr}/${first?.nonce}`;
}
