/**
 * Encrypted volumes, by a controller beside the machine and the node role in it: made, staged, grown, copied; looked at with
 * cryptsetup, dmsetup and rbd. A key of another volume, none, or other data than a LUKS header never make it write anything.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answerOf, untilOk } from '../support/driver-bed.ts';
import type { VmVolume } from '../support/vm/node-bed.ts';
import { EncryptionBed, KEYS, MIB } from './encryption-bed.ts';

const PLAINTEXT = 'nobody without the key reads this: ';

const whole = await EncryptionBed.open();
after(() => whole[Symbol.asyncDispose]());
const { bed, folder, keyEncryptionKey } = whole;
const { machine, pool } = bed;
const { csi } = whole.controller;
const aVolume = whole.volume.bind(whole);
const stage = whole.stage.bind(whole);
const takeAway = bed.takeAway.bind(bed);
const openedDevices = whole.openedDevices.bind(whole);
const sizeOf = whole.sizeOf.bind(whole);
const leftovers = whole.leftovers.bind(whole);
const request = whole.request.bind(whole);

for (const [fsType, mib] of [
  ['ext4', 64],
  ['xfs', 320],
] as const) {
  test(`a new ${fsType} volume is LUKS2 in Ceph and a file system of the size asked for on the node, and is read back after it was staged anew`, async () => {
    const volume = await aVolume(`new-${fsType}`, { fsType, mib });

    await stage(volume);
    await bed.publish(volume);
    const digest = await writeFile(volume);
    const opened = await openedDevices();
    const mounted = (await machine.run('findmnt', ['-n', '-o', 'SOURCE,FSTYPE', volume.targetPath])).trim().split(/ +/);
    const table = await machine.run('dmsetup', ['table', '--showkeys', opened[0]?.name ?? '']);
    await takeAway(volume);
    const dump = await luksDump(volume.image);
    const between = await leftovers();
    await stage(volume);
    const again = await digestOf(`${volume.stagingTargetPath}/file`);
    await bed.unstage(volume);

    assert.equal(opened.length, 1);
    assert.match(opened[0]?.uuid ?? '', /^CRYPT-LUKS2-/);
    assert.equal(opened[0]?.size, mib * MIB);
    assert.deepEqual(mounted, [`/dev/mapper/${opened[0]?.name}`, fsType]);
    assert.match(table, / crypt aes-xts-plain64 :64:logon:cryptsetup:/); // the key is the kernel's alone
    for (const fact of [/Version:\s+2\n/, /offset: 16777216 \[bytes\]/, /PBKDF:\s+pbkdf2\n/, /Iterations: 1000\n/])
      assert.match(dump, fact);
    assert.deepEqual(between, []);
    assert.equal(again, digest);
    assert.ok(!(await imageContains(volume.image, PLAINTEXT)));
  });

  test(`a mounted ${fsType} grows online`, async () => {
    const volume = await aVolume(`grown-${fsType}`, { fsType, mib });
    await stage(volume);
    await bed.publish(volume);
    const digest = await writeFile(volume);

    const grown = await grow(volume, 2 * mib);
    const [opened] = await openedDevices();
    const { usage } = await bed.csi.call('NodeGetVolumeStats', { volumeId: volume.volumeId, volumePath: volume.targetPath });

    assert.equal(grown.capacityBytes, String(2 * mib * MIB));
    assert.equal(opened?.size, 2 * mib * MIB);
    const total = Number(usage.find(({ unit }: { unit: string }) => unit === 'BYTES').total);
    assert.ok(total > 1.5 * mib * MIB, `${total}`);
    assert.equal(await digestOf(`${volume.targetPath}/file`), digest);
    await takeAway(volume);
    assert.deepEqual(await leftovers(), []);
  });
}

test('a block volume is as large as was asked for, its bytes are kept, not in the clear, and it grows', async () => {
  const volume = await aVolume('block', { block: true, mib: 64 });
  await stage(volume);
  await bed.publish(volume);
  const size = await sizeOf(volume.targetPath);

  await machine.run('dd', [`of=${volume.targetPath}`, 'bs=1M', 'seek=20', 'conv=fsync,notrunc'], { input: PLAINTEXT });
  const grown = await grow(volume, 128);
  const { usage } = await bed.csi.call('NodeGetVolumeStats', { volumeId: volume.volumeId, volumePath: volume.targetPath });
  const larger = await sizeOf(volume.targetPath);
  await takeAway(volume);
  await stage(volume);
  const [opened] = await openedDevices();
  const kept = await machine.run('dd', [`if=${opened?.path}`, 'bs=1M', 'skip=20', 'count=1', 'status=none']);
  await bed.unstage(volume);

  assert.deepEqual([size, larger, Number(grown.capacityBytes)], [64 * MIB, 128 * MIB, 128 * MIB]);
  assert.equal(usage[0].total, String(128 * MIB));
  assert.ok(kept.startsWith(PLAINTEXT));
  assert.ok(!(await imageContains(volume.image, PLAINTEXT)));
  assert.deepEqual(await leftovers(), []);
});

test('a larger clone and a restored snapshot have the files of their source, beside it on one node', async () => {
  const source = await aVolume('source', { fsType: 'ext4' });
  await stage(source);
  await bed.publish(source);
  const digest = await writeFile(source);
  await machine.run('sync');
  const { snapshot } = await csi.call('CreateSnapshot', { name: 'snap-source', sourceVolumeId: source.volumeId });
  await machine.run('dd', ['if=/dev/zero', `of=${source.targetPath}/file`, 'bs=1M', 'count=1', 'conv=fsync']);

  const restored = await aVolume('restored', { source: { type: 'snapshot', snapshot: { snapshotId: snapshot.snapshotId } } });
  const clone = await aVolume('clone', { mib: 96, source: { type: 'volume', volume: { volumeId: source.volumeId } } });
  for (const copy of [restored, clone]) await stage(copy);
  const opened = await openedDevices();
  const digests = [await digestOf(`${restored.stagingTargetPath}/file`), await digestOf(`${clone.stagingTargetPath}/file`)];
  const now = await digestOf(`${source.targetPath}/file`);
  const keys = await Promise.all([source, restored, clone].map(({ image }) => keyOf(image)));
  for (const copy of [restored, clone]) await bed.unstage(copy);
  await takeAway(source);

  assert.equal(snapshot.sizeBytes, String(64 * MIB));
  assert.deepEqual(
    opened.map(({ size }) => size).toSorted((a, b) => a - b),
    [64 * MIB, 64 * MIB, 96 * MIB],
  );
  assert.deepEqual(digests, [digest, now]);
  assert.equal(new Set(keys).size, 3);
  assert.deepEqual(await leftovers(), []);
});

test('a class without encryption copies no encrypted volume', async () => {
  const source = await aVolume('only-sealed', { block: true, mib: 32 });

  const parameters = { pool: pool.place.pool, namespace: pool.place.namespace };
  const volumeContentSource = { type: 'volume', volume: { volumeId: source.volumeId } };
  const answer = await answerOf(
    csi.call('CreateVolume', { ...request('open', { block: true, mib: 32 }), parameters, volumeContentSource }),
  );

  assert.equal(answer.status, 'INVALID_ARGUMENT');
  assert.match(answer.details, /ENCRYPTION_DIFFERS/);
});

test('the key of another volume is refused, the image stays as it is, and with its own key all is there', async () => {
  const volume = await aVolume('wrong-key', { fsType: 'ext4' });
  await stage(volume);
  await bed.publish(volume);
  const digest = await writeFile(volume);
  await takeAway(volume);
  const before = await pool.checksum(volume.image);

  const other = await folder.ring.wrap('main', randomBytes(32), volume.volumeId);
  const copied = await folder.ring.wrap('main', randomBytes(32), 'prod/rbd/another');
  const wrong = await answerOf(stage(volume, { publishContext: { ...volume.publishContext, encryptionKey: other } }));
  const foreign = await answerOf(stage(volume, { publishContext: { ...volume.publishContext, encryptionKey: copied } }));
  const afterwards = [await pool.checksum(volume.image), await leftovers()];
  await stage(volume);
  const kept = await digestOf(`${volume.stagingTargetPath}/file`);
  await bed.unstage(volume);

  assert.deepEqual([wrong.status, foreign.status], ['FAILED_PRECONDITION', 'FAILED_PRECONDITION']);
  assert.match(wrong.details, /LUKS_KEY_WRONG/);
  assert.match(foreign.details, /WRAPPED_KEY_INVALID/);
  assert.deepEqual(afterwards, [before, []]);
  assert.equal(kept, digest);
});

test('without the key-encryption key nothing is mapped, and no restart is needed once it is back', async () => {
  const volume = await aVolume('no-key', { fsType: 'ext4' });
  const before = await pool.checksum(volume.image);

  await machine.write(`${KEYS}/main`, randomBytes(32).toString('base64'));
  const other = await answerOf(stage(volume));
  await machine.run('rm', [`${KEYS}/main`]);
  const none = await answerOf(stage(volume));
  const without = await answerOf(stage(volume, { publishContext: { site: 'east' } }));
  const afterwards = [await pool.checksum(volume.image), await leftovers()];
  await machine.write(`${KEYS}/main`, keyEncryptionKey.toString('base64'));
  await stage(volume);
  await bed.unstage(volume);

  assert.match(other.details, /ENCRYPTION_KEY_MISSING/);
  assert.match(none.details, /KEY_UNREADABLE/);
  assert.match(without.details, /VOLUME_KEY_MISSING/);
  assert.deepEqual(afterwards, [before, []]);
});

test('data that is no LUKS header is never written over, be it a file system, noise, or an image whose header is gone', async () => {
  const plain = await aVolume('plain', { block: true, mib: 64 });
  const noise = await aVolume('noise', { block: true, mib: 64 });
  const headless = await aVolume('headless', { block: true, mib: 64 });
  await stage(headless);
  await bed.publish(headless);
  await machine.run('dd', ['if=/dev/urandom', `of=${headless.targetPath}`, 'bs=1M', 'count=64', 'conv=fsync']);
  await takeAway(headless);
  await overwrite(plain.image, { at: 0, bytes: anExt4() });
  await overwrite(noise.image, { at: 32768, bytes: randomBytes(4096) });
  await overwrite(headless.image, { at: 0, bytes: Buffer.alloc(16 * MIB) });

  for (const volume of [plain, noise, headless]) {
    const before = await pool.checksum(volume.image);
    const answer = await answerOf(stage(volume));
    assert.equal(answer.status, 'FAILED_PRECONDITION', volume.image);
    assert.match(answer.details, /VOLUME_NOT_ENCRYPTED/);
    assert.equal(await pool.checksum(volume.image), before, volume.image);
  }
  assert.deepEqual(await leftovers(), []);
});

test('a volume whose first header was overwritten is opened by its second one', async () => {
  const volume = await aVolume('second-header', { block: true, mib: 32 });
  await stage(volume);
  await bed.publish(volume);
  await machine.run('dd', [`of=${volume.targetPath}`, 'bs=1M', 'conv=fsync,notrunc'], { input: PLAINTEXT });
  await takeAway(volume);
  await overwrite(volume.image, { at: 0, bytes: Buffer.alloc(4096) });

  await stage(volume);
  const [opened] = await openedDevices();
  const kept = await machine.run('dd', [`if=${opened?.path}`, 'bs=1M', 'count=1', 'status=none']);
  await bed.unstage(volume);

  assert.ok(kept.startsWith(PLAINTEXT));
});

async function grow({ volumeId, targetPath, stagingTargetPath }: VmVolume, mib: number) {
  const capacityRange = { requiredBytes: String(mib * MIB) };
  await csi.call('ControllerExpandVolume', { volumeId, capacityRange });
  return await untilOk(
    () => bed.csi.call('NodeExpandVolume', { volumeId, volumePath: targetPath, stagingTargetPath, capacityRange }),
    300,
  );
}

/** 2 MiB with a text that can be looked for, in the volume's file; its digest. */
async function writeFile({ targetPath }: VmVolume): Promise<string> {
  const content = Buffer.alloc(2 * MIB, PLAINTEXT);
  randomBytes(MIB).copy(content, MIB);
  await machine.run('dd', [`of=${targetPath}/file`, 'bs=1M', 'conv=fsync'], { input: content });
  return createHash('sha256').update(content).digest('hex');
}

async function digestOf(path: string): Promise<string> {
  return (await machine.run('sha256sum', [path])).split(' ')[0] ?? '';
}

/** Writes into the image beside the driver, by `rbd import-diff` of a stream with that one piece. */
async function overwrite(image: string, { at, bytes }: { at: number; bytes: Buffer }): Promise<void> {
  const range = Buffer.alloc(16);
  range.writeBigUInt64LE(BigInt(at));
  range.writeBigUInt64LE(BigInt(bytes.length), 8);
  const stream = Buffer.concat([Buffer.from('rbd diff v1\nw'), range, bytes, Buffer.from('e')]);
  await withFile(async (path) => {
    writeFileSync(path, stream);
    await pool.rbd('import-diff', '--no-progress', path, image);
  });
}

/** The first MiB of an image with an ext4 in it. */
function anExt4(): Buffer {
  const path = join(folder.dir, 'ext4');
  writeFileSync(path, '');
  truncateSync(path, 64 * MIB);
  execFileSync('mkfs.ext4', ['-q', '-F', path]);
  return readFileSync(path).subarray(0, MIB);
}

function luksDump(image: string): Promise<string> {
  return withFile(async (path) => {
    await pool.rbd('export', '--no-progress', image, path);
    return execFileSync('cryptsetup', ['luksDump', '--disable-locks', path], { encoding: 'utf8' });
  });
}

async function withFile<T>(work: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder.dir, 'file');
  try {
    return await work(path);
  } finally {
    rmSync(path, { force: true });
  }
}

async function keyOf(image: string): Promise<string> {
  return (await pool.rbd('image-meta', 'get', image, 'loligo.key')).trim();
}

function imageContains(image: string, text: string): Promise<boolean> {
  return withFile(async (path) => {
    await pool.rbd('export', '--no-progress', image, path);
    return readFileSync(path).includes(text);
  });
}
