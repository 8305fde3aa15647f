/** `make e2e-up`: a Kubernetes with Loligo that stays, for people to try things on; `make e2e-down` takes it down. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startForwarder } from '../test/support/kubernetes/forwarder.ts';
import { imageName, Kube } from '../test/support/kubernetes/kube.ts';
import { Loligo } from '../test/support/kubernetes/loligo.ts';
import { claim, pod } from '../test/support/kubernetes/objects.ts';
import { writeKubeconfig } from '../test/support/kubernetes/pki.ts';
import { BIN } from '../test/support/kubernetes/places.ts';
import { RUN } from '../test/support/micro-ceph.ts';
import { upCluster } from './e2e-cluster.ts';
import { step } from './step.ts';

const DIR = join(RUN, 'e2e');
const KUBECONFIG = join(DIR, 'kubeconfig');
const EXAMPLE = join(DIR, 'example.json');

const kube = await findCluster();
if (!existsSync(KUBECONFIG)) writeKubeconfig(join(DIR, 'pki'), 'admin', await startForwarder(kube), KUBECONFIG);
await step('Loligo, by helm', () => Loligo.install(kube));
const items = [claim('first'), pod('writer', { claims: { '/data': 'first' } })];
writeFileSync(EXAMPLE, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
const { network } = kube.control;
console.log(`
Kubernetes is up with Loligo in it, and stays until \`make e2e-down\`.

  export KUBECONFIG=${KUBECONFIG} PATH=${BIN}:$PATH
  kubectl get storageclass,volumesnapshotclass
  kubectl apply -f ${EXAMPLE}
  kubectl get pvc,pod --watch
  kubectl exec writer -- sh -c 'echo hello > /data/greeting; df -h /data'

Images there are: ${imageName('busybox')}, and those of Loligo and the sidecars; nothing is pulled.

Its Ceph listens in the cluster's network:

  export CEPH_CONF=${kube.ceph.conf}
  nsenter --net=${network} ceph -s
  nsenter --net=${network} rbd ls loligo

As on a node (its network, mounts and processes):

${kube.nodes.map((node) => `  ${node.enter('bash').join(' ')}   # ${node.name}`).join('\n')}
`);

/** The one that runs, when it does; what is left of one is taken down first. */
async function findCluster(): Promise<Kube> {
  try {
    const running = Kube.attach(DIR);
    await running.kubectl('get', '--raw', '/readyz', '--request-timeout=5s');
    return running;
  } catch {
    return await upCluster({ dir: DIR, stays: true });
  }
}
