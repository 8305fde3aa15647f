/** A Ceph daemon's admin socket, spoken directly: the `ceph` program takes half a second to start. */
import { connect } from 'node:net';

/**
 * Sends one command and gives the parsed JSON answer. Rejects when the daemon is not there
 * or does not answer within `timeout` milliseconds (a stopped process accepts and stays silent).
 */
export async function askDaemon(path: string, command: Readonly<Record<string, unknown>>, timeout = 10_000): Promise<unknown> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path);
    socket.setTimeout(timeout, () => socket.destroy(new Error(`no answer on ${path} in ${timeout} ms`)));
    socket.on('connect', () => socket.write(`${JSON.stringify({ format: 'json', ...command })}\0`));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks)));
  });
  // The answer's length comes first, as four bytes, big endian.
  return JSON.parse(answer.subarray(4).toString());
}
