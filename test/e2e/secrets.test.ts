/** The keys of Ceph's users are in Secrets, and in the memory of what needs them: nowhere else. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { before, test } from 'node:test';
import { containerProcesses, procFile } from '../support/kubernetes/container-processes.ts';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { imageName } from '../support/kubernetes/places.ts';
import { SecretSearch } from '../support/kubernetes/secret-search.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const kube = sharedKube();

before(() => Loligo.install(kube));

/** A volume's life with all that may go wrong in it: whatever is said of it is said while it lives. */
async function liveThrough(namespace: TestNamespace): Promise<void> {
  await namespace.start(
    claim('data'),
    claim('raw', { mode: 'Block' }),
    pod('one', { node: 'node1', claims: { '/data': 'data', '/dev/raw': 'raw' } }),
  );
  await namespace.exec('one', 'sh', '-c', 'echo text > /data/file && sync');
  await namespace.takeSnapshot('then', 'data');
  await namespace.apply([
    claim('again', { source: { snapshot: 'then' } }),
    claim('smaller', { size: '16Mi', source: { snapshot: 'then' } }),
    pod('two', { node: 'node2', claims: { '/data': 'data' } }),
    pod('three', { node: 'node2', claims: { '/data': 'again' } }),
  ]);
  await namespace.untilReady('three');
  for (const refused of ['smaller', 'two']) {
    const warned = async (): Promise<boolean> =>
      (await namespace.kubectl(
        'get',
        'events',
        `--field-selector=type=Warning,involvedObject.name=${refused}`,
        '--output=name',
      )) !== '';
    await namespace.until(warned, { what: `an Event says what is wrong with ${refused}` });
  }
  await namespace.kubectl('delete', 'pods', '--all', '--now');
}

test('the keys are in no object, log, argument, environment, file or kernel message', async () => {
  await using namespace = await kube.freshNamespace();
  const key = (user: string): Promise<string> => kube.ceph.ceph('auth', 'print-key', `client.${user}`);
  const search = new SecretSearch(kube, {
    'the key of client.loligo': await key('loligo'),
    "the nodes' key": await key('loligo-node'),
  });

  const inProcesses = await search.inProcessesDuring(() => liveThrough(namespace));
  // In the end, for those that tell it when they are taken away: the image is needed no more.
  const found = [...(await search.inObjects()), ...(await search.inLogs()), ...(await search.inKernelLog())];
  const inFiles = await search.inFiles('/var/lib/loligo', '/var/lib/kubelet', '/run');

  assert.deepEqual([...inProcesses, ...found, ...inFiles], []);
});

test('a process that crashes with a key in its memory cannot write a core file: it is in a folder that is read-only', async () => {
  const processes = await containerProcesses(kube, 'loligo');

  const cores = processes.map(({ pid, container }) => {
    const [root = ''] = procFile(pid, 'mountinfo')
      .split('\n')
      .filter((line) => line.split(' ')[4] === '/');
    return { container, folder: readlinkSync(`/proc/${pid}/cwd`), readonly: root.split(' ')[5]?.split(',').includes('ro') };
  });

  assert.ok(cores.some(({ container }) => container === 'mapper') && cores.some(({ container }) => container === 'driver'));
  for (const core of cores) assert.deepEqual(core, { container: core.container, folder: '/', readonly: true });
});

test('what is in these places is found by the search, also in base64', async () => {
  await using namespace = await kube.freshNamespace();
  const [secret, other] = ['AQD-this-is-not-a-key-of-anybody-AA==', 'AQD-nor-is-this-one-AA=='];
  const encoded = Buffer.from(other).toString('base64');
  const search = new SecretSearch(kube, { secret, other });
  const script = `echo ${secret}; echo ${encoded} > /run/leak; sleep 1000; :`;
  const leaking = { image: imageName('busybox'), command: ['sh', '-c', script], env: [{ name: 'KEY', value: encoded }] };

  await namespace.start(pod('leak', { node: 'node1', container: leaking }));

  assert.deepEqual(await search.inObjects(), ['secret in objects of the API', 'other in base64 in objects of the API']);
  assert.ok((await search.inLogs()).includes('secret in logs of the pods on node1'));
  const processes = search.inProcesses();
  for (const where of ['secret in cmdline of sh', 'other in base64 in environ of sh']) assert.ok(processes.includes(where), where);
  await kube.node('node1').run('tee', ['/run/leak'], { input: encoded });
  const files = await search.inFiles('/run', '/var/lib/kubelet');
  assert.ok(files.includes('other in base64 in /run/leak of node1'), files.join());
  assert.ok(!files.includes('secret in /run/leak of node1'));
  await kube.node('node1').run('rm', ['/run/leak']);
});
