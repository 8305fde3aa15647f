/** The chart's rbd-mirror: what is written at another site comes here, brought by its pod. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerProcesses, statusField } from '../support/kubernetes/container-processes.ts';
import { imageName, NETWORK } from '../support/kubernetes/places.ts';
import { importProgram } from '../support/kubernetes/program-image.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import { MicroCeph } from '../support/micro-ceph.ts';

const USER = 'rbd-mirror';
const POOL = 'mirrored';

const { kube, loligo } = await sharedLoligo();

interface Status {
  readonly summary: { readonly daemon_health: string; readonly image_health: string };
}

/** A Ceph cluster at another address of the control host. */
async function startPeer(): Promise<MicroCeph> {
  const { network } = kube.control;
  await kube.fromControl('ip', ['address', 'replace', `${NETWORK.peer}/${NETWORK.prefix}`, 'dev', 'br0']);
  return await MicroCeph.start({ dir: join(kube.dir, 'peer'), network: { address: NETWORK.peer, namespace: network } });
}

/** Mirrors the pool from `peer` to the bed's cluster, by Ceph's own commands. */
async function introduce(peer: MicroCeph, dir: string): Promise<void> {
  for (const ceph of [peer, kube.ceph]) await ceph.rbd('mirror', 'pool', 'enable', POOL, 'image');
  const token = join(dir, 'token');
  writeFileSync(token, await peer.rbd('mirror', 'pool', 'peer', 'bootstrap', 'create', '--site-name=west', POOL), { mode: 0o600 });
  const here = ['--site-name=east', '--direction=rx-only', POOL, token];
  await kube.ceph.rbd('mirror', 'pool', 'peer', 'bootstrap', 'import', ...here);
}

test('an image of the other site comes, by a daemon that is not root and has no capability', { timeout: 600_000 }, async () => {
  const defaults = await loligo.defaults();
  await importProgram(kube, 'rbd-mirror');
  await using peer = await startPeer();
  await using there = await peer.freshPool(POOL);
  await using here = await kube.ceph.freshPool(POOL);
  const dir = mkdtempSync(join(kube.dir, 'token-'));
  const metadata = { name: 'rbd-mirror', namespace: loligo.namespace };
  try {
    await introduce(peer, dir);
    const key = await kube.ceph.createUser(USER, { mon: 'profile rbd-mirror', osd: 'profile rbd' });
    const stringData = { keyring: `[client.${USER}]\nkey = ${key}\n` };
    await kube.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
    const [repository = '', tag = ''] = imageName('rbd-mirror').split(/:(?=[^:]*$)/);
    const rbdMirror = { enabled: true, image: { repository, tag }, monitors: kube.ceph.monitors, existingSecret: metadata.name };
    await loligo.upgrade({ ...defaults, rbdMirror });

    const content = join(dir, 'content');
    writeFileSync(content, 'written at the other site '.repeat(50_000));
    await there.rbd('import', '--no-progress', content, 'photo');
    await there.rbd('mirror', 'image', 'enable', 'photo', 'snapshot');
    const same = async (): Promise<boolean> =>
      (await here.images()).includes('photo') && (await here.checksum('photo')) === (await there.checksum('photo'));
    await kube.until(same, { what: 'the image is here as it is there', timeout: 120_000, interval: 1000 });

    const healthy = async (): Promise<boolean> => {
      const { summary } = (await here.rbdJson('mirror', 'pool', 'status')) as Status; // the shape of that command
      return summary.daemon_health === 'OK' && summary.image_health === 'OK';
    };
    await kube.until(healthy, { what: 'Ceph says that daemon and image are well', timeout: 120_000, interval: 1000 });

    const daemons = (await containerProcesses(kube, loligo.namespace)).filter(({ component }) => component === 'rbd-mirror');
    assert.equal(daemons.length, 1);
    for (const { pid } of daemons) {
      assert.deepEqual([statusField(pid, 'Uid'), BigInt(`0x${statusField(pid, 'CapEff')}`)], ['167\t167\t167\t167', 0n]);
    }
  } finally {
    rmSync(dir, { recursive: true });
    await loligo.upgrade(defaults);
    await kube.remove({ apiVersion: 'v1', kind: 'Secret', metadata });
  }
});
