/** The snapshot controller and its CRDs, which a distribution of Kubernetes brings and a CSI driver expects to find. */
import { join } from 'node:path';
import { goModuleFolder } from './binaries.ts';
import type { Kube } from './kube.ts';
import { imageName } from './places.ts';

const CONTROLLER = 'github.com/kubernetes-csi/external-snapshotter/v8';
const CLIENT = 'github.com/kubernetes-csi/external-snapshotter/client/v8';
const NAME = 'snapshot-controller';
const NAMESPACE = 'kube-system';

/** Installs both, group snapshots included, from the files of the modules that the controller is built from. Repeatable. */
export async function installSnapshotController(kube: Kube): Promise<void> {
  const [controller, client] = await Promise.all([goModuleFolder(CONTROLLER), goModuleFolder(CLIENT)]);
  await kube.kubectl('apply', '--server-side', '--kustomize', join(client, 'config/crd'));
  await kube.kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  const rights = join(controller, 'deploy/kubernetes/snapshot-controller/rbac-snapshot-controller.yaml');
  await kube.kubectl('apply', '--filename', rights);
  await kube.apply(DEPLOYMENT);
  await kube.kubectl('--namespace', NAMESPACE, 'rollout', 'status', `deployment/${NAME}`, '--timeout=60s');
}

/** Does something while the cluster has no snapshot controller of the bed's: there may be one only. */
export async function withoutSnapshotController<T>(kube: Kube, work: () => Promise<T>): Promise<T> {
  const scale = (replicas: number): Promise<string> =>
    kube.kubectl('--namespace', NAMESPACE, 'scale', `deployment/${NAME}`, `--replicas=${replicas}`);
  await scale(0);
  await kube.kubectl('--namespace', NAMESPACE, 'wait', '--for=delete', 'pods', `--selector=app.kubernetes.io/name=${NAME}`);
  try {
    return await work();
  } finally {
    await scale(1);
  }
}

const labels = { 'app.kubernetes.io/name': NAME };
/** The module's own asks for two replicas with an election between them, and 35 s until they count as there. */
const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: NAME, namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: NAME,
        containers: [{ name: NAME, image: imageName(NAME), args: ['--feature-gates=CSIVolumeGroupSnapshot=true'] }],
      },
    },
  },
};
