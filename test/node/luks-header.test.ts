/** The LUKS header on an image, looked at with cryptsetup and blkid; device-mapper is for the virtual machine (test/vm). */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatLuks } from '../../src/node/luks.ts';
import { checkFormattable, clearEnds, inspectRaw, writeMark } from '../../src/node/luks-header.ts';
import type { Device } from '../../src/node/mapper.ts';

const MIB = 1024 * 1024;
const HEADER = 16 * MIB;
const folder = mkdtempSync(join(tmpdir(), 'loligo-luks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

test('a header is LUKS2, 16 MiB, with one slot that costs nothing to open, and its key alone opens it', async () => {
  const device = aDevice(64 * MIB);
  const key = randomBytes(32);

  await formatLuks(device, locked(key));

  const dump = execFileSync('cryptsetup', ['luksDump', '--disable-locks', device.path], { encoding: 'utf8' });
  for (const fact of [
    /Version:\s+2\n/,
    /offset: 16777216 \[bytes\]/,
    /cipher: aes-xts-plain64\n/,
    /PBKDF:\s+pbkdf2\n/,
    /Iterations: 1000\n/,
  ]) {
    assert.match(dump, fact);
  }
  assert.equal(dump.match(/^\s+\d+: luks2$/gm)?.length, 1);
  assert.deepEqual([opens(device, key), opens(device, randomBytes(32))], [0, 2]);
});

test('while an earlier call works on a header no other one begins, and nothing is written', async () => {
  const device = aDevice(64 * MIB);
  const lock = join(folder, 'held');
  const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; exec sleep 60']);
  await once(holder.stdout, 'data');

  await assert.rejects(formatLuks(device, { key: randomBytes(32), lock }), { kind: 'unfinished', reason: 'LUKS_UNDERWAY' });
  const between = await inspectRaw(device);
  for (const pid of execFileSync('pgrep', ['--parent', String(holder.pid)], { encoding: 'utf8' }).split('\n'))
    if (pid !== '') process.kill(Number(pid));
  await once(holder, 'exit');
  await formatLuks(device, { key: randomBytes(32), lock });

  assert.deepEqual([between, await inspectRaw(device)], ['blank', 'luks']);
});

test('an image is blank, begun, LUKS, or other; only the first two may be formatted', async () => {
  const blank = aDevice(64 * MIB);
  const begun = aDevice(64 * MIB);
  await writeMark(begun, join(folder, 'lock'));
  const cutOff = aDevice(64 * MIB);
  await writeMark(cutOff, join(folder, 'lock'));
  await formatLuks(cutOff, locked(randomBytes(32)));
  const luks = aDevice(64 * MIB);
  await formatLuks(luks, locked(randomBytes(32)));
  const second = aDevice(64 * MIB);
  await formatLuks(second, locked(randomBytes(32)));
  write(second, Buffer.alloc(4096), 0);
  const filesystem = aDevice(64 * MIB);
  execFileSync('mkfs.ext4', ['-q', '-F', filesystem.path]);
  const [noise, tail] = [aDevice(64 * MIB), aDevice(64 * MIB)];
  write(noise, randomBytes(1), 500_000);
  write(tail, randomBytes(1), 64 * MIB - 1);
  const tiny = aDevice(HEADER);

  const devices = { blank, begun, cutOff, luks, second, filesystem, noise, tail, tiny };
  const seen = await Promise.all(Object.entries(devices).map(async ([name, device]) => [name, await inspectRaw(device)]));

  assert.deepEqual(Object.fromEntries(seen), {
    ...{ blank: 'blank', begun: 'begun', cutOff: 'begun', luks: 'luks', second: 'luks' },
    ...{ filesystem: 'other', noise: 'other', tail: 'other', tiny: 'other' },
  });
  for (const content of ['blank', 'begun'] as const) assert.doesNotThrow(() => checkFormattable(content, blank));
  assert.throws(() => checkFormattable('other', noise), { kind: 'precondition', reason: 'VOLUME_NOT_ENCRYPTED' });
  assert.throws(() => checkFormattable('blank', { ...blank, readonly: true }), { reason: 'NOTHING_TO_READ' });
});

for (const [name, size] of Object.entries({
  usual: 64 * MIB,
  odd: 20 * MIB + 8192,
  small: HEADER + MIB,
  smallest: HEADER + 8192,
})) {
  test(`of a device of ${name} size the ends are blank afterwards, and the mark goes with the last write`, async () => {
    const device = aDevice(size);
    await writeMark(device, join(folder, 'lock'));
    // As dm-crypt shows it: what lies behind the header, and noise.
    const opened = aDevice(size - HEADER);
    write(opened, randomBytes(size - HEADER), 0);

    await clearEnds(device, opened);

    const left = readFileSync(opened.path);
    const place = readFileSync(device.path).indexOf('loligo: a LUKS header') - HEADER;
    assert.ok(place >= 0 && place % 4096 === 0 && place < left.length);
    assert.ok(left.subarray(0, Math.min(MIB, left.length)).every((byte) => byte === 0));
    assert.ok(left.subarray(place, place + 4096).every((byte) => byte === 0));
    assert.ok(left.subarray(Math.floor(left.length / MIB) * MIB - MIB).every((byte, at) => byte === 0 || at >= MIB));
  });
}

test('a device that gives fewer bytes than it has is an error, and never blank', async () => {
  const device = aDevice(64 * MIB);
  truncateSync(device.path, 32 * MIB);

  await assert.rejects(inspectRaw(device), { kind: 'unfinished', reason: 'DEVICE_SHORT' });
});

function locked(key: Buffer): { key: Buffer; lock: string } {
  return { key, lock: join(folder, 'lock') };
}

function aDevice(size: number): Device {
  count += 1;
  const path = join(folder, String(count));
  writeFileSync(path, '');
  truncateSync(path, size);
  return { path, number: '7:0', readonly: false, size: BigInt(size) };
}

function write({ path }: Device, bytes: Buffer, offset: number): void {
  writeSync(openSync(path, 'r+'), bytes, 0, bytes.length, offset);
}

/** cryptsetup's exit code. */
function opens({ path }: Device, key: Buffer): number | null {
  const args = ['open', '--test-passphrase', '--disable-locks', '--key-file', '-', path];
  return spawnSync('cryptsetup', args, { input: key }).status;
}
