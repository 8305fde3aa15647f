/** What a person would look at first when something did not come: Events, pods and volumes, logs of the parts involved. */
import type { Host } from './host.ts';
import type { Kube } from './kube.ts';

const EVENTS = 40;
const LOG_LINES = 25;
const DAEMON_LINES = 8;
/** How klog marks a line that matters. */
const COMPLAINT = /^[EF]\d{4} /;

/** Never throws: what cannot be had is said instead. */
export async function explain(kube: Kube, namespaces: readonly string[]): Promise<string> {
  const parts = await Promise.all([objects(kube), ...namespaces.map((namespace) => explainNamespace(kube, namespace))]);
  const daemons = [complaints(kube.control, 'kube-controller-manager'), ...kube.nodes.map((node) => complaints(node, 'kubelet'))];
  return [...parts, ...daemons].join('\n');
}

function objects(kube: Kube): Promise<string> {
  return section('nodes, volumes, attachments', () => kube.kubectl('get', 'nodes,pv,volumeattachments', '--output', 'wide'));
}

async function explainNamespace(kube: Kube, namespace: string): Promise<string> {
  const kubectl = (...args: readonly string[]): Promise<string> => kube.kubectl('--namespace', namespace, ...args);
  const events = ['get', 'events', '--sort-by=.metadata.creationTimestamp', '--no-headers'];
  const logs = async (): Promise<string> => {
    const pods = (await kubectl('get', 'pods', '--output', 'name')).split('\n').filter((pod) => pod !== '');
    const log = (pod: string): Promise<string> =>
      section(`log of ${pod}`, () =>
        kubectl('logs', pod, '--all-containers', '--prefix', '--ignore-errors', `--tail=${LOG_LINES}`),
      );
    return (await Promise.all(pods.map(log))).join('\n');
  };
  const sections = [
    section(`pods and claims of ${namespace}`, () => kubectl('get', 'pods,pvc', '--output', 'wide')),
    section(`Events of ${namespace}`, async () => lastLines(await kubectl(...events), EVENTS)),
    logs().catch((error: unknown) => String(error)),
  ];
  return (await Promise.all(sections)).join('\n');
}

function complaints(host: Host, daemon: string): string {
  const lines = host.daemon(daemon).logTail(2000).split('\n');
  const last = lines.filter((line) => COMPLAINT.test(line)).slice(-DAEMON_LINES);
  return `--- last complaints of ${daemon} on ${host.name} (${host.daemon(daemon).logFile})\n${last.join('\n')}`;
}

async function section(title: string, work: () => Promise<string>): Promise<string> {
  const text = await work().catch((error: unknown) => String(error));
  return `--- ${title}\n${text.trimEnd()}`;
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
