import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type StatusObject, status } from '@grpc/grpc-js';
import { identityService, listen, snapshotMetadataService } from '#csi';
import { Failure } from '#lib/failure';
import type { ChangedBlocks } from '#rbd';
import { type Asked, Bed, bedHost, controllerOf, engineOf } from './csi-bed.ts';

function tempDir(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'loligo-sock-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('the socket that a killed process left is taken over', async () => {
  using dir = tempDir();
  const path = join(dir.path, 'csi.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit');
  assert.ok(existsSync(path));

  const listening = await listen({ endpoint: `unix://${path}` }, []);
  await listening.stop(100);

  assert.ok(!existsSync(path));
});

test('the socket of a living process is left alone', async () => {
  using dir = tempDir();
  const path = join(dir.path, 'csi.sock');
  const other = createServer().listen(path);
  await once(other, 'listening');

  await assert.rejects(listen({ endpoint: path }, []), (error) => error instanceof Failure && error.reason === 'SOCKET_TAKEN');

  assert.ok(existsSync(path));
  other.close();
});

test('a file that is no socket is left alone', async () => {
  using dir = tempDir();
  const path = join(dir.path, 'csi.sock');
  writeFileSync(path, 'mine');

  await assert.rejects(listen({ endpoint: path }, []), (error) => error instanceof Failure && error.reason === 'SOCKET_TAKEN');
});

for (const endpoint of ['tcp://127.0.0.1:1', 'unix://relative.sock', '/tmp/no-suffix', `/tmp/${'x'.repeat(120)}.sock`]) {
  test(`the endpoint ${endpoint.slice(0, 30)} is refused`, async () => {
    await assert.rejects(listen({ endpoint }, []), (error) => error instanceof Failure && error.reason === 'ENDPOINT_INVALID');
  });
}

test('nobody but the owner may connect, unless the mode says so', async () => {
  using dir = tempDir();
  const [strict, shared] = [join(dir.path, 'a.sock'), join(dir.path, 'b.sock')];

  const first = await listen({ endpoint: strict }, []);
  const second = await listen({ endpoint: shared, mode: 0o660 }, []);

  assert.deepEqual([statSync(strict).mode & 0o777, statSync(shared).mode & 0o777], [0o600, 0o660]);
  await Promise.all([first.stop(100), second.stop(100)]);
});

test('a call under way when the server stops is still answered', async () => {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const host = bedHost();
  const identity = {
    name: 'n',
    version: '0',
    servesController: false,
    look: () => {
      begun.resolve();
      return gate.promise.then(() => []);
    },
  };
  const bed = await Bed.serving(identityService(host, identity));
  const call = bed.call('Probe', {});
  await begun.promise;

  setTimeout(gate.resolve, 50);
  await bed[Symbol.asyncDispose]().catch(() => {});

  assert.equal((await call).code, status.OK);
});

const SNAPSHOT = 'prod/rbd/v@s';

/** An engine whose snapshot has so many pages of 4,096 extents. */
function pagesOf(count: number) {
  return {
    changedBlocks: ({ startingOffset }: { startingOffset: bigint }): Promise<ChangedBlocks> => {
      const page = Number(startingOffset);
      const extents = Array.from({ length: 4096 }, (_, index) => ({ offset: BigInt(page * 4096 + index), length: 1n }));
      return Promise.resolve({ size: 1n << 40n, extents, next: page + 1 < count ? BigInt(page + 1) : undefined });
    },
  };
}

test('a stream makes its next page only when its caller has taken the last', async () => {
  const asked: Asked[] = [];
  const host = bedHost();
  await using bed = await Bed.serving(snapshotMetadataService(host, controllerOf(engineOf(pagesOf(300), asked))));

  const stream = bed.stream('GetMetadataAllocated', { snapshotId: SNAPSHOT });
  stream.pause();
  await sleep(300);
  const ahead = asked.length;
  let extents = 0;
  stream.on('data', (page: { blockMetadata: unknown[] }) => {
    extents += page.blockMetadata.length;
  });
  stream.resume();
  await once(stream, 'end');

  assert.ok(ahead > 0 && ahead < 100, `${ahead} of 300 pages were made for a caller that read none`);
  assert.equal(asked.length, 300);
  assert.equal(extents, 300 * 4096);
});

test('a stream ends its work when its caller leaves', async () => {
  const asked: Asked[] = [];
  const host = bedHost();
  await using bed = await Bed.serving(snapshotMetadataService(host, controllerOf(engineOf(pagesOf(100_000), asked))));

  const stream = bed.stream('GetMetadataAllocated', { snapshotId: SNAPSHOT });
  stream.on('error', () => {});
  await once(stream, 'data');
  stream.cancel();
  await sleep(200);
  const made = asked.length;
  await sleep(200);

  assert.equal(asked.length, made);
  assert.match(await host.metrics.text(), /csi_operations_in_flight\{method="GetMetadataAllocated"\} 0/);
});

test('a stream whose engine fails ends with the code of the failure', async () => {
  const host = bedHost();
  const engine = engineOf({ changedBlocks: () => Promise.reject(new Failure('precondition', 'FAST_DIFF_OFF', 'x')) });
  await using bed = await Bed.serving(snapshotMetadataService(host, controllerOf(engine)));

  const stream = bed.stream('GetMetadataDelta', { baseSnapshotId: SNAPSHOT, targetSnapshotId: 'prod/rbd/v@t' });
  stream.on('data', () => {});
  stream.on('error', () => {});
  const ended = await new Promise<StatusObject>((resolve) => stream.on('status', resolve));

  assert.equal(ended.code, status.FAILED_PRECONDITION);
  assert.equal(ended.details, 'FAST_DIFF_OFF: x');
});
