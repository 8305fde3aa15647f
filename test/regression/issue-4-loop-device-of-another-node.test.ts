/** Nodes that are containers of one host (kind, our end-to-end bed) share its loop devices and stage volumes at the same paths. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { attachLoop, detachLoop, findLoops } from '../../src/node/userspace/loop.ts';
import { runProgram } from '../support/micro-ceph.ts';

test("a node takes no loop device of another node's for its own, though its file has the same path", async () => {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-loop-'));
  const path = join(dir, 'image');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 20);
  const [mine, others] = [
    { node: 'node1', path },
    { node: 'node2', path },
  ];

  const device = await attachLoop(mine, false);
  try {
    const own = (await findLoops(mine)).map((loop) => loop.path);
    const seen = (await runProgram('losetup', ['--noheadings', '--output', 'NAME', '--associated', path])).trim();

    assert.deepEqual(own, [seen]);
    assert.deepEqual(await findLoops(others), []);
  } finally {
    await detachLoop(device, mine);
    rmSync(dir, { recursive: true });
  }
});
