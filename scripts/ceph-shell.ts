/**
 * A micro Ceph cluster for as long as a shell is open. In it `rbd`, `ceph` and `rados` talk to that cluster, `loligo`
 * is the driver configured for it, and `csi METHOD [REQUEST]` asks the driver.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeClusters } from '../test/support/driver.ts';
import { removeHostRemains } from '../test/support/host-remains.ts';
import { MicroCeph } from '../test/support/micro-ceph.ts';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
const USER = 'loligo';

// The shell gets Ctrl-C; this process only waits for it.
process.on('SIGINT', () => {});
await using ceph = await step('micro Ceph: mon, mgr, osd', () => MicroCeph.start());
const key = await step('pool rbd, and user loligo', preparePool);
const dir = mkdtempSync(join(tmpdir(), 'loligo-shell-'));
const removeAll = (): void => removeHostRemains(dir);
process.once('exit', removeAll);
writeClusters(dir, { demo: { monitors: ceph.monitors, user: USER, key } });
for (const [name, script] of [
  ['loligo', 'src/bin/loligo.ts'],
  ['csi', 'scripts/csi.ts'],
] as const) {
  writeCommand(name, script);
}
console.log(`
  rbd, ceph, rados    talk to this cluster       rbd ls; ceph -s
  loligo              the driver, configured     loligo standalone > ${dir}/log &
  csi METHOD [JSON]   asks the driver            csi GetPluginInfo

  The cluster, and what was mounted, end with this shell.
`);
const shell = spawn(process.env['SHELL'] ?? 'bash', { stdio: 'inherit', env: environment() });
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => shell.kill('SIGHUP'));
await once(shell, 'exit');
removeAll();

async function preparePool(): Promise<string> {
  await ceph.freshPool('rbd');
  return await ceph.createUser(USER, { mon: 'profile rbd', osd: 'profile rbd pool=rbd' });
}

function writeCommand(name: string, script: string): void {
  mkdirSync(join(dir, 'bin'), { recursive: true });
  const text = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, script)}' "$@"\n`;
  writeFileSync(join(dir, 'bin', name), text, { mode: 0o755 });
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
    CEPH_CONF: ceph.conf,
    LOLIGO_TEST_CEPH: ceph.dir,
    CSI_ENDPOINT: `unix://${join(dir, 'csi.sock')}`,
    LOLIGO_CLUSTERS: join(dir, 'clusters.json'),
    LOLIGO_STATE_DIR: join(dir, 'state'),
    LOLIGO_NODE_ADDRESS: '127.0.0.1',
  };
}
