/** The configuration files of a node's programs: facts in, content out. */
import { join } from 'node:path';
import type { Host } from './host.ts';
import type { NodeParts } from './node.ts';
import { imageName, NETWORK } from './places.ts';

/** Debian's folder of the package containernetworking-plugins. */
const CNI_PROGRAMS = '/usr/lib/cni';

export function containerdToml(networkConfigs: string): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${imageName('pause')}"
  stream_server_address = "127.0.0.1"
  # Without CAP_SYS_RESOURCE runc cannot lower a container's score, and no container starts.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PROGRAMS}"
    conf_dir = "${networkConfigs}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

/** Pods on a bridge of the node; the routes between the nodes carry them further, so nothing is masqueraded. */
export function networkPlugin(pods: string): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }] };
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

export function kubeletConfig(node: Host, { pki, cgroup }: NodeParts): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    healthzBindAddress: '127.0.0.1',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(pki, `${node.name}-serving.crt`),
    tlsPrivateKeyFile: join(pki, `${node.name}-serving.key`),
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    resolvConf: join(node.dir, 'resolv.conf'),
    // As good as off (0 is refused): how full this machine is must not end pods.
    evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1Mi', 'imagefs.available': '1Mi' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    maxPods: 250,
    // The rate of calls to the API server is for machines of many nodes; here it would only make 100 pods start late.
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    nodeStatusUpdateFrequency: '5s',
    nodeLeaseDurationSeconds: 20,
    // An online expansion waits for it; by default a minute.
    syncFrequency: '10s',
    volumeStatsAggPeriod: '10s',
  };
}

export function proxyConfig(node: Host, kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: node.address,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    clientConnection: { kubeconfig },
    hostnameOverride: node.name,
    mode: 'iptables',
    clusterCIDR: NETWORK.pods,
    // These are settings of the whole machine: not to be touched.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
