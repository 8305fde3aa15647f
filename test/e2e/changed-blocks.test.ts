/** A backup program learns from the sidecar's API which blocks changed between two snapshots. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../support/ceph/program.ts';
import { goModuleFolder } from '../support/kubernetes/binaries.ts';
import type { Question } from '../support/kubernetes/changed-blocks-client.ts';
import { DRIVER } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedLoligo } from '../support/kubernetes/shared-loligo.ts';
import type { TestNamespace } from '../support/kubernetes/test-namespace.ts';

const CLIENT = new URL('../support/kubernetes/changed-blocks-client.ts', import.meta.url).pathname;
const API = 'github.com/kubernetes-csi/external-snapshot-metadata';
const SERVER_NAME = 'loligo-snapshot-metadata.loligo.svc';
const PORT = 50051;
const DEVICE = '/dev/xvda';
const MIB = 2 ** 20;
const OBJECT = 4 * MIB;

const { kube, loligo } = await sharedLoligo();

/** Makes the Secret that the sidecar serves with; gives the certificate. */
async function makeCertificate(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'loligo-tls-'));
  const [key, cert] = [join(dir, 'tls.key'), join(dir, 'tls.crt')];
  try {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
    const about = ['-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=DNS:${SERVER_NAME}`, '-days', '1', '-out', cert];
    await runProgram('openssl', ['req', '-x509', ...kind, ...about]);
    const data = { 'tls.key': readFileSync(key, 'base64'), 'tls.crt': readFileSync(cert, 'base64') };
    await kube.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'metadata-tls', namespace: loligo.namespace },
      data,
    });
    return readFileSync(cert, 'utf8');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Takes one of the claim `disk`; gives its CSI handle. */
async function takeSnapshot(namespace: TestNamespace, name: string): Promise<string> {
  await namespace.takeSnapshot(name, 'disk');
  const content = await namespace.field(`volumesnapshot/${name}`, '{.status.boundVolumeSnapshotContentName}');
  return kube.kubectl('get', 'volumesnapshotcontent', content, '--output', 'jsonpath={.status.snapshotHandle}');
}

/** A service account `backup` that may read VolumeSnapshots, and a token of it for the driver. */
async function makeBackupAccount(namespace: TestNamespace): Promise<string> {
  const rules = [{ apiGroups: ['snapshot.storage.k8s.io'], resources: ['volumesnapshots'], verbs: ['get'] }];
  const api = 'rbac.authorization.k8s.io';
  await namespace.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'backup' } },
    { apiVersion: `${api}/v1`, kind: 'Role', metadata: { name: 'backup' }, rules },
    {
      apiVersion: `${api}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'backup' },
      roleRef: { apiGroup: api, kind: 'Role', name: 'backup' },
      subjects: [{ kind: 'ServiceAccount', name: 'backup', namespace: namespace.name }],
    },
  ]);
  return (await namespace.kubectl('create', 'token', 'backup', `--audience=${DRIVER}`)).trim();
}

async function ask(question: Omit<Question, 'address' | 'serverName' | 'proto'>): Promise<unknown> {
  const [first = ''] = await loligo.pods('controller');
  const address = await kube.kubectl('get', 'pod', first, '--namespace', loligo.namespace, '--output', 'jsonpath={.status.podIP}');
  const proto = join(await goModuleFolder(API), 'proto/schema.proto');
  const input = JSON.stringify({ ...question, address: `${address}:${PORT}`, serverName: SERVER_NAME, proto });
  return JSON.parse(await kube.fromControl(process.execPath, [CLIENT], { input, timeout: 30_000 }));
}

test('a backup program is told the blocks of a snapshot, and those that changed since another', { timeout: 400_000 }, async () => {
  const defaults = await loligo.defaults();
  await using namespace = await kube.freshNamespace();
  const caCert = await makeCertificate();
  try {
    await loligo.upgrade({ ...defaults, snapshotMetadata: { enabled: true, tlsSecret: 'metadata-tls', caCert } });
    await namespace.start(claim('disk', { mode: 'Block' }), pod('writer', { claims: { [DEVICE]: 'disk' } }));
    const write = (mib: number): Promise<string> =>
      namespace.exec('writer', 'dd', 'if=/dev/urandom', `of=${DEVICE}`, 'bs=1M', 'count=4', `seek=${mib}`, 'conv=notrunc,fsync');
    await write(0);
    const base = await takeSnapshot(namespace, 'first');
    await write(16);
    await takeSnapshot(namespace, 'second');
    const who = { caCert, token: await makeBackupAccount(namespace), namespace: namespace.name };

    const allocated = await ask({ ...who, snapshot: 'second' });
    const changed = await ask({ ...who, snapshot: 'second', base });

    assert.deepEqual(allocated, [
      [0, OBJECT],
      [16 * MIB, OBJECT],
    ]);
    assert.deepEqual(changed, [[16 * MIB, OBJECT]]);
    await assert.rejects(ask({ ...who, token: 'nobody', snapshot: 'second' }), /UNAUTHENTICATED/);
  } finally {
    await loligo.upgrade(defaults);
    await kube.kubectl('delete', 'secret', 'metadata-tls', '--namespace', loligo.namespace);
  }
});
