/** Values that become classes, and the clusters that they name. */
import { flag, given, list, mapOf, NAME, OBJECT_NAME, object, ofKubernetes, oneOf, type Schema, text } from './forms.ts';
import { parameters, topologyPools } from './parameters.ts';

const named = {
  name: given("The class's name.", OBJECT_NAME),
  default: flag('Used where no class is named.'),
  labels: mapOf('Labels of the class.', { type: 'string' }),
  annotations: mapOf('Annotations of the class.', { type: 'string' }),
  secret: object(
    "A Secret with userID and userKey, in place of the configured user. Name it in rbac.classSecrets too. Both fields take the sidecars' templates.",
    { name: given('Its name.'), namespace: given('Its namespace.') },
    ['name', 'namespace'],
  ),
};
const deletionPolicy = oneOf('What becomes of the snapshot when its object is deleted.', ['Delete', 'Retain']);

export const classes: Readonly<Record<string, Schema>> = {
  storageClasses: list(
    'StorageClasses. Their parameters cannot be changed once they are made: Kubernetes wants a new class then.',
    object(
      'A StorageClass.',
      {
        ...named,
        reclaimPolicy: oneOf('What becomes of the volume when its claim is deleted; Delete when not given.', ['Delete', 'Retain']),
        volumeBindingMode: oneOf('When volumes are made; Immediate when not given.', ['Immediate', 'WaitForFirstConsumer']),
        allowVolumeExpansion: flag('Volumes may grow; true when not given.'),
        mountOptions: list('Options of the mount.', { type: 'string' }),
        allowedTopologies: list('Where volumes may be.', ofKubernetes('A term of a topology selector.')),
        fsType: oneOf('The file system; ext4 when not given.', ['ext4', 'xfs']),
        parameters: parameters('What docs/parameters.md lists.', 'all'),
      },
      ['name', 'parameters'],
    ),
  ),
  volumeSnapshotClasses: list('VolumeSnapshotClasses.', object('A VolumeSnapshotClass.', { ...named, deletionPolicy }, ['name'])),
  volumeGroupSnapshotClasses: list(
    'VolumeGroupSnapshotClasses; snapshots.groups has to be on.',
    object('A VolumeGroupSnapshotClass.', { ...named, deletionPolicy }, ['name']),
  ),
  volumeAttributesClasses: list(
    'VolumeAttributesClasses. Their parameters cannot be changed once they are made.',
    object(
      'A VolumeAttributesClass.',
      { name: named.name, parameters: parameters('Those that docs/parameters.md calls mutable.', 'mutable') },
      ['name', 'parameters'],
    ),
  ),
};

const KEY = '^[A-Za-z0-9+/]+=*$';

export const clusters: Readonly<Record<string, Schema>> = {
  clusters: mapOf(
    'Logical clusters by name; a Secret is made of them. The name is part of every volume handle: choose it for good.',
    object(
      'A cluster.',
      {
        site: given('The name of the Ceph cluster that stands behind it here.', NAME),
        monitors: {
          ...list('Addresses of its monitors.', given('address:port, or [v2:…,v1:…].', '^[A-Za-z0-9.:,[\\]/-]+$')),
          minItems: 1,
        },
        user: given('The CephX user, without client.', NAME),
        key: given("The user's key.", KEY),
        nodeUser: text("A user of the nodes' own.", NAME),
        nodeKey: text('Its key.', KEY),
      },
      ['site', 'monitors', 'user', 'key'],
    ),
    NAME,
  ),
  existingSecret: text('A Secret with clusters.json and the key files that it names, in place of clusters.', `^$|${OBJECT_NAME}`),
  existingNodeSecret: text('The same for the nodes, with keys of their own; existingSecret when empty.', `^$|${OBJECT_NAME}`),
  topology: mapOf('Which pool can be reached from where, by cluster.', topologyPools, NAME),
};
