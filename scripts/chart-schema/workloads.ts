/** Values about what runs: images, pods, sidecars. */
import {
  flag,
  given,
  list,
  mapOf,
  NAME,
  OBJECT_NAME,
  object,
  ofKubernetes,
  oneOf,
  PATH,
  type Schema,
  text,
  whole,
} from './forms.ts';

const LABELS = mapOf('Labels.', { type: 'string' });
const ANNOTATIONS = mapOf('Annotations.', { type: 'string' });
const RESOURCES = object('What the container asks for and may have.', {
  requests: mapOf('Asked for.', { type: ['string', 'number'] }),
  limits: mapOf('At most.', { type: ['string', 'number'] }),
});
const PORT = whole('A port on the pod, which for node and mapper is one of the host.', 1, 65_535);
const GRACE = whole('Seconds from SIGTERM to SIGKILL; calls under way get 20.', 25, 3600);
const PRIORITY = text('The PriorityClass; empty for none.', `^$|${OBJECT_NAME}`);

function image(fields: Readonly<Record<string, Schema>> = {}): Schema {
  return object('An image.', {
    repository: given('Its name, with the host of the registry.'),
    tag: text('Its tag.', '^[A-Za-z0-9_.-]{0,128}$'),
    digest: text('Its digest, which wins over the tag.', '^$|^sha256:[0-9a-f]{64}$'),
    ...fields,
  });
}

const placed = {
  nodeSelector: LABELS,
  tolerations: list('Taints that the pods bear.', ofKubernetes('A toleration.')),
  affinity: ofKubernetes('Where the pods would rather be.'),
};
const pod = { podAnnotations: ANNOTATIONS, podLabels: LABELS, resources: RESOURCES };

const sidecar = object('A sidecar.', {
  image: image(),
  resources: RESOURCES,
  extraArgs: list('Arguments after those that the chart sets.', given('--name=value', '^--?[a-z]')),
});

export const workloads: Readonly<Record<string, Schema>> = {
  nameOverride: text("The name in labels, in place of the chart's.", `^$|${OBJECT_NAME}`),
  fullnameOverride: text("The beginning of all objects' names.", `^$|${OBJECT_NAME}`),
  commonLabels: LABELS,
  imageRegistry: text('Takes the place of the host in all image names.'),
  imagePullSecrets: list(
    'Secrets for pulling images.',
    object('A reference.', { name: given('Its name.', OBJECT_NAME) }, ['name']),
  ),
  image: image({ pullPolicy: oneOf('When images are pulled.', ['Always', 'IfNotPresent', 'Never']) }),
  driver: object('The driver.', {
    name: given(
      'The name of the CSI driver. It is in every PersistentVolume: never change it.',
      '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$',
    ),
    instance: given('Which Loligo this is, when several share a pool; never change it.', NAME),
    logLevel: oneOf('What is logged.', ['debug', 'info', 'warn', 'error', 'silent']),
    callTimeout: whole('Seconds that a call of a sidecar may take. Calls of kubelet have the two minutes that it waits.', 10, 600),
    cephTimeout: whole('Seconds that one operation of Ceph may take before it counts as lost.', 1, 60),
    creatorLifetime: whole('Seconds after which a half-made image counts as abandoned.', 60, 3600),
    reapInterval: whole('Seconds between rounds of housekeeping.', 5, 3600),
    fenceOnForceDetach: flag(
      'A node is cut off from Ceph when a volume is taken from it that it still has open; else only when it was said to be lost.',
    ),
    listPublishedNodes: flag('ListVolumes tells the nodes of each volume. The attacher then lists all volumes every minute.'),
    storageCapacity: flag(
      'The scheduler looks at the free space of pools for volumes that wait for their first consumer, where nodes have topology (node.topologyLabels).',
    ),
    seLinuxMount: flag('Volumes are mounted with their SELinux context, instead of being relabelled file by file.'),
  }),
  kubeletDir: given("The kubelet's folder on the nodes.", PATH),
  stateDir: { ...given('Where a node keeps what it has staged. Never change it while volumes are mounted.', PATH), maxLength: 40 },
  controller: object('The controller Deployment.', {
    replicas: whole('How many; one at a time is at work for each sidecar.', 1, 9),
    healthPort: PORT,
    priorityClassName: PRIORITY,
    terminationGracePeriodSeconds: GRACE,
    ...placed,
    ...pod,
  }),
  node: object('The node DaemonSet.', {
    healthPort: PORT,
    probePort: PORT,
    volumeLimit: whole('Volumes that a node takes at once; 0 for no limit.', 0, 10_000),
    topologyLabels: list(
      'Labels of the node that are its topology. Kubernetes shows pods these two, from 1.35 on.',
      oneOf('A label.', ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']),
    ),
    priorityClassName: PRIORITY,
    terminationGracePeriodSeconds: GRACE,
    maxUnavailable: {
      description: 'Nodes that are updated at once.',
      type: ['string', 'integer'],
      pattern: '^[1-9][0-9]?%$|^100%$',
      minimum: 1,
    },
    ...placed,
    ...pod,
  }),
  mapper: object('The mapper DaemonSet, on the same nodes as the node DaemonSet.', {
    enabled: flag('Processes that carry I/O live in pods of their own. Without it they end with the node pod.'),
    healthPort: PORT,
    priorityClassName: PRIORITY,
    terminationGracePeriodSeconds: GRACE,
    ...pod,
  }),
  sidecars: object("Kubernetes' own containers beside the driver.", {
    logLevel: whole('Their verbosity.', 0, 10),
    kubeApiQps: whole('Requests a second that each may make to the API server.', 1, 1000),
    kubeApiBurst: whole('Requests at once.', 1, 2000),
    provisioner: sidecar,
    attacher: sidecar,
    resizer: sidecar,
    snapshotter: sidecar,
    snapshotMetadata: sidecar,
    registrar: sidecar,
    livenessprobe: sidecar,
  }),
  operator: object('The operator, which mirrors volumes between two sites.', {
    enabled: flag('Runs it.'),
    replicas: whole('How many; one at a time is at work.', 1, 9),
    existingSecret: text('A Secret with a clusters.json that has both sites of each cluster.', `^$|${OBJECT_NAME}`),
    healthPort: PORT,
    priorityClassName: PRIORITY,
    ...pod,
  }),
  csiAddons: object("CSI-Addons' replication calls.", {
    enabled: flag("Serves them at /csi/csi-addons.sock of the controller's pods."),
    sidecar: ofKubernetes("The container of CSI-Addons' own sidecar, which mounts the volume socket."),
  }),
  rbdMirror: object('The daemon that replays images of a peer.', {
    enabled: flag('Runs it.'),
    replicas: whole('How many.', 1, 9),
    image: image(),
    monitors: list('Addresses of monitors.', given('An address.')),
    user: given('The CephX user, without client.', NAME),
    existingSecret: text('A Secret with the file keyring.', `^$|${OBJECT_NAME}`),
    resources: RESOURCES,
  }),
  snapshots: object('Snapshots.', {
    enabled: flag('Runs the snapshotter.'),
    groups: flag('Group snapshots too; their CRDs have to be there.'),
    controller: object('The snapshot controller, of which a cluster has one.', {
      enabled: flag('Runs it.'),
      replicas: whole('How many.', 1, 9),
      image: image(),
      resources: RESOURCES,
    }),
  }),
};
