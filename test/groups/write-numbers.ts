/**
 * `write-numbers.ts <device> …`: writes 1 to every device in turn, then 2, and so on until SIGTERM. Each write is on
 * stable storage before the next one begins. Says each number that is on all devices, with the milliseconds that the
 * longest write took so far; ends with an error of its own when a write fails.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { PAGE, slotOf } from './number-layout.ts';

let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});

const flags = constants.O_RDWR | constants.O_DSYNC;
const devices = await Promise.all(process.argv.slice(2).map((path) => open(path, flags)));
const page = Buffer.alloc(PAGE);
let longestMs = 0;
let last = 0;
while (!stopping) {
  last += 1;
  page.writeUInt32LE(last);
  for (const device of devices) {
    const began = performance.now();
    const { bytesWritten } = await device.write(page, 0, PAGE, slotOf(last));
    if (bytesWritten !== PAGE) throw new Error(`${bytesWritten} bytes of ${PAGE} were written`);
    longestMs = Math.max(longestMs, performance.now() - began);
  }
  console.log(`${last} ${Math.round(longestMs)}`);
}
for (const device of devices) await device.close();
