import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgramError } from '../support/micro-ceph.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { aDriver, loligo, VOLUME } from './shell.ts';

test('a node is said to be lost in every place of ours, and to be back', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using driver = await aDriver();
  const { pool: name, namespace } = pool.place;
  await driver.csi.call('CreateVolume', { name: 'v', parameters: { cluster: 'prod', pool: name, namespace }, ...VOLUME });
  const marks = (): Promise<string> => pool.rados('listomapkeys', 'loligo.pool');

  const lost = await loligo(driver, 'nodes', 'lost', 'worker-1');
  const whileLost = await marks();
  const back = await loligo(driver, 'nodes', 'back', 'worker-1');

  assert.match(lost, /^worker-1 is lost: /);
  assert.match(whileLost, /^lost\/worker-1$/m);
  assert.match(back, /^worker-1 is back; /);
  assert.doesNotMatch(await marks(), /lost/);
});

test('a node command that is none, or a node that is none, is said in one line', async () => {
  await using driver = await aDriver();
  const inOneLine = (error: unknown): boolean =>
    error instanceof ProgramError && /^loligo: (COMMAND_UNKNOWN|NODE_NAME_INVALID)/.test(error.stderr);

  await assert.rejects(loligo(driver, 'nodes', 'kill', 'worker-1'), inOneLine);
  await assert.rejects(loligo(driver, 'nodes', 'lost', '../etc'), inOneLine);
});
