/**
 * One CSI call by hand: `csi.ts METHOD [REQUEST]`, the request in JSON, over the socket that CSI_ENDPOINT names.
 * Prints the answer in JSON; exit code 1 with the gRPC status when there was none.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CsiClient, CsiError, connectCsi, type Message } from '../test/support/csi-client.ts';
import { checkRequest } from './check-request.ts';

const STREAMS = new Set(['GetMetadataAllocated', 'GetMetadataDelta']);

const [method, request = '{}'] = process.argv.slice(2);
const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(process.env['CSI_ENDPOINT'] ?? '')?.[1];
if (method === undefined || socket === undefined) {
  console.error('usage: CSI_ENDPOINT=unix:///path.sock csi.ts METHOD [REQUEST]');
  process.exit(2);
}
await untilThere(socket);
const client = connectCsi(socket);
try {
  console.log(JSON.stringify(await ask(client, method, readRequest(method, request)), undefined, 2));
} catch (error) {
  if (!(error instanceof CsiError || error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError))
    throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  client.close();
}

/** A driver that was started a moment ago may not listen yet. */
async function untilThere(path: string): Promise<void> {
  for (const end = Date.now() + 5000; !existsSync(path) && Date.now() < end; ) await sleep(50);
}

/** A word that is misspelt must not go unseen: the volume would have another size than the one that was meant. */
function readRequest(name: string, text: string): object {
  const message = JSON.parse(text);
  checkRequest(name, message);
  return message;
}

function ask(csi: CsiClient, name: string, message: object): Promise<Message> {
  return STREAMS.has(name) ? csi.stream(name, message) : csi.call(name, message);
}
