/** The unix socket that CSI is served on: its name. */
import { Failure } from '#lib/failure';
import { SOCKET_PATH_MAX } from '#lib/unix-socket';

/** The path in a CSI endpoint, `unix:///path.sock`, `unix:/path.sock` or the path alone. Throws `invalid`. */
export function socketPath(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, '');
  if (!path.startsWith('/')) throw wrong(endpoint, 'is not unix:// and an absolute path');
  if (!path.endsWith('.sock')) throw wrong(endpoint, 'does not end in .sock, which CSI wants');
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) throw wrong(endpoint, `is longer than ${SOCKET_PATH_MAX} bytes`);
  return path;
}

function wrong(endpoint: string, what: string): Failure {
  return new Failure('invalid', 'ENDPOINT_INVALID', `the endpoint ${endpoint} ${what}`);
}
