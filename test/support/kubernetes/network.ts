/** The cluster's network: a bridge in the control host's namespace, a cable to each node, routes to each node's pods. */
import { livingPid } from '../process-identity.ts';
import type { Host } from './host.ts';
import { NETWORK, nodeNetwork } from './places.ts';

const BRIDGE = 'br0';
const CARD = 'eth0';

/** Connects the hosts; the nodes in the order of their numbers. */
export async function connectHosts(control: Host, nodes: readonly Host[]): Promise<void> {
  const ip = (...args: readonly string[]): Promise<string> => control.run('ip', args);
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', BRIDGE, 'type', 'bridge');
  await ip('address', 'add', `${NETWORK.control}/${NETWORK.prefix}`, 'dev', BRIDGE);
  await ip('link', 'set', BRIDGE, 'up');
  for (const node of nodes) await plugIn(control, node);
  for (const host of [control, ...nodes]) await routeToPods(host, nodes);
}

async function plugIn(control: Host, node: Host): Promise<void> {
  const cable = `to-${node.name}`;
  const peer = ['peer', 'name', CARD, 'netns', String(livingPid(node.init) ?? '')];
  // In the host's network only: the id means something else among its processes.
  await control.runInNetwork('ip', ['link', 'add', cable, 'type', 'veth', ...peer]);
  await control.run('ip', ['link', 'set', cable, 'master', BRIDGE, 'up']);
  const ip = (...args: readonly string[]): Promise<string> => node.run('ip', args);
  await ip('link', 'set', 'lo', 'up');
  await ip('address', 'add', `${node.address}/${NETWORK.prefix}`, 'dev', CARD);
  await ip('link', 'set', CARD, 'up');
  await ip('route', 'add', 'default', 'via', NETWORK.control); // kubelet and kube-proxy look for one
  // The second makes services work between two pods of one node, whose packets cross only a bridge.
  await node.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.bridge.bridge-nf-call-iptables=1']);
}

/** Pods keep their addresses on the way: no NAT anywhere but for services. */
async function routeToPods(host: Host, nodes: readonly Host[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    if (node === host) continue;
    await host.run('ip', ['route', 'add', nodeNetwork(index).pods, 'via', node.address]);
  }
}
