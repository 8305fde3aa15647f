/** Looks for secrets where none may be: in what a cluster's API holds, in logs, and in what processes were started with. */
import { createReadStream, globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgramError, runProgram } from '../ceph/program.ts';
import { pids, procFile } from './container-processes.ts';
import type { Kube } from './kube.ts';

const INTERVAL = 20; // milliseconds between two looks at all processes
const BATCH = 500; // files that one grep looks through

export class SecretSearch {
  readonly #kube: Kube;
  /** What is looked for, by the name that is reported: a finding must not show it once more. */
  readonly #needles: readonly (readonly [string, string])[];

  /** Looks for each secret, and for what base64 makes of it. */
  constructor(kube: Kube, secrets: Readonly<Record<string, string>>) {
    this.#kube = kube;
    this.#needles = Object.entries(secrets).flatMap(([name, secret]) => [
      [name, secret] as const,
      [`${name} in base64`, Buffer.from(secret).toString('base64').replace(/=+$/, '')] as const,
    ]);
  }

  /** In every object of the API but Secrets: Events, volumes, attachments, pods, and kinds that come with CRDs. */
  async inObjects(): Promise<readonly string[]> {
    const known = await this.#kube.kubectl('api-resources', '--verbs=list', '--output=name');
    const kinds = known.split('\n').filter((kind) => kind !== '' && kind !== 'secrets');
    const objects = await this.#kube.kubectl('get', kinds.join(','), '--all-namespaces', '--ignore-not-found', '--output=yaml');
    return this.#in(objects, 'objects of the API');
  }

  /** In what containers have said, those that have ended too, and in the logs of the cluster's own daemons. */
  async inLogs(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const node of this.#kube.nodes) {
      // Read there: these files are mounted nowhere else. A container's log is there as long as its pod.
      const logs = await node.run('find', ['/var/log/pods', '-type', 'f', '-exec', 'cat', '{}', '+']);
      found.push(...this.#in(logs, `logs of the pods on ${node.name}`));
    }
    for (const file of globSync(['*/logs/*', 'ceph/log/*'], { cwd: this.#kube.dir })) {
      found.push(...(await this.#inFile(join(this.#kube.dir, file))));
    }
    return found;
  }

  async inKernelLog(): Promise<readonly string[]> {
    return this.#in(await runProgram('dmesg', []), 'the kernel log');
  }

  /** In files that nodes keep, outside memory. */
  async inFiles(...folders: readonly string[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (const node of this.#kube.nodes) {
      // -xdev of find: what is mounted in there are the volumes, and Secrets in memory.
      const listed = await node.run('find', [...folders, '-xdev', '-type', 'f', '-print0']).catch(whatItFound);
      const files = listed.split('\0').filter((file) => file !== '');
      for (let at = 0; at < files.length; at += BATCH) {
        for (const [name, needle] of this.#needles) {
          const grep = ['-lsF', '-f', '-', '--', ...files.slice(at, at + BATCH)];
          const holding = await node.run('grep', grep, { input: `${needle}\n` }).catch(whatItFound);
          found.push(...holding.split('\n').flatMap((file) => (file === '' ? [] : [`${name} in ${file} of ${node.name}`])));
        }
      }
    }
    return found;
  }

  /** In arguments and environment of all processes of this machine, again and again while `work` goes on. */
  async inProcessesDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
    const found = new Set<string>();
    let done = false;
    const end = (): void => {
      done = true;
    };
    const working = work();
    working.then(end, end);
    do {
      for (const one of this.inProcesses()) found.add(one);
      await sleep(INTERVAL);
    } while (!done);
    await working;
    return [...found];
  }

  inProcesses(): readonly string[] {
    return pids().flatMap((pid) => {
      const program = procFile(pid, 'comm').trim();
      const what = (file: string): readonly string[] => this.#in(procFile(pid, file), `${file} of ${program}`);
      return [...what('cmdline'), ...what('environ')];
    });
  }

  #in(text: string, where: string): readonly string[] {
    return this.#needles.filter(([, needle]) => text.includes(needle)).map(([name]) => `${name} in ${where}`);
  }

  async #inFile(path: string): Promise<readonly string[]> {
    const found = new Set<string>();
    let rest = ''; // a secret may stand across two pieces
    for await (const piece of createReadStream(path, 'latin1')) {
      for (const one of this.#in(rest + piece, path)) found.add(one);
      rest = String(piece).slice(-200);
    }
    return [...found];
  }
}

/** `grep` ends with 1 when it finds nothing, both end with 1 or 2 when a file is gone meanwhile. */
function whatItFound(error: unknown): string {
  if (error instanceof ProgramError && (error.code === 1 || error.code === 2)) return error.stdout;
  throw error;
}
