/** Values about what is around: rights, watching, the network, the test. */
import { flag, given, list, mapOf, OBJECT_NAME, object, ofKubernetes, type Schema, text, whole } from './forms.ts';

const LABELS = mapOf('Labels.', { type: 'string' });
const CIDRS = (says: string): Schema => list(says, given('A network.', '^[0-9A-Fa-f:.]+/[0-9]{1,3}$'));
const port = (says: string): Schema => whole(says, 1, 65_535);

export const surroundings: Readonly<Record<string, Schema>> = {
  snapshotMetadata: object('Changed blocks of snapshots, for backup programs.', {
    enabled: flag('Runs the sidecar and its Service.'),
    tlsSecret: text('A Secret with tls.crt and tls.key.', `^$|${OBJECT_NAME}`),
    caCert: text('The certificate that clients check it by, as PEM.'),
    audience: text("The audience of clients' tokens; the driver's name when empty."),
  }),
  rbac: object('Rights.', {
    classSecrets: list(
      'Secrets that classes name: the sidecars may read these and no other.',
      object(
        'Secrets of a namespace.',
        { namespace: given('The namespace.', OBJECT_NAME), names: list('Their names.', given('A name.', OBJECT_NAME)) },
        ['namespace', 'names'],
      ),
    ),
  }),
  encryption: object("Keys of encrypted volumes' keys.", {
    keys: mapOf('Keys by name.', {
      ...list('32 bytes in base64 each; the first wraps, every one opens.', given('A key.', '^[A-Za-z0-9+/]{43}=$')),
      minItems: 1,
    }),
    existingSecret: text('A Secret with keys.json and the files that it names.', `^$|${OBJECT_NAME}`),
    existingNodeSecret: text('The same for the nodes.', `^$|${OBJECT_NAME}`),
    vaultAudience: text("The audience of the pods' token for Vault."),
  }),
  serviceAccount: object('Service accounts.', { annotations: mapOf('Annotations.', { type: 'string' }) }),
  metrics: object('Watching. The metrics themselves are always served.', {
    serviceMonitor: object('A ServiceMonitor.', {
      enabled: flag('Makes it.'),
      interval: given('How often.', '^[0-9]+(ms|s|m)$'),
      labels: LABELS,
    }),
    prometheusRule: object('Alerts.', { enabled: flag('Makes them.'), labels: LABELS }),
    dashboard: object('A Grafana dashboard, in a ConfigMap.', { enabled: flag('Makes it.'), labels: LABELS }),
  }),
  networkPolicy: object("What the controller's pods may reach, and who may reach them.", {
    enabled: flag('Makes it.'),
    cephCIDRs: CIDRS('Where monitors and OSDs are; anywhere when empty.'),
    cephPorts: list('Their ports.', object('Ports.', { port: port('The first.'), endPort: port('The last.') }, ['port'])),
    apiCIDRs: CIDRS('Where the API server is; anywhere when empty.'),
    apiPorts: list('Its ports.', port('A port.')),
    vaultPorts: list('Ports of Vault.', port('A port.')),
    vaultCIDRs: CIDRS('Where Vault is; anywhere when empty.'),
    metricsFrom: list('Who may read metrics; anybody when empty.', ofKubernetes('A peer of a NetworkPolicy.')),
  }),
  podDisruptionBudget: object("The controller's PodDisruptionBudget.", { enabled: flag('Makes it, for two replicas and more.') }),
  test: object('helm test.', {
    storageClass: text('A class to make a volume of; only the controller is asked when empty.', `^$|${OBJECT_NAME}`),
    size: given("The volume's size.", '^[0-9]+(Mi|Gi)$'),
  }),
};
