/** One Ceph daemon as a process: started in the foreground, known by a pid file, stopped by signal. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNetwork, type Network } from './conf.ts';

/** The mirror daemon of a cluster that has one: a client of its own cluster, and of its peers'. */
export const MIRROR = 'rbd-mirror.m';

export interface DaemonSpec {
  /** `mon.a`, `mgr.x`, `osd.0`, `rbd-mirror.m` */
  readonly name: string;
  readonly dir: string;
  /** Dies with the process that starts it, however that one ends. */
  readonly tied: boolean;
  readonly network: Network;
}

export function startDaemon({ name, dir, tied, network }: DaemonSpec): void {
  const command = inNetwork(network, commandOf(name, dir));
  const [file = '', ...args] = tied ? ['setpriv', '--pdeathsig', 'KILL', '--', ...command] : command;
  const output = openSync(`${dir}/log/${name}.out`, 'a');
  // Detached: Ctrl-C reaches the tests first, which still need the cluster to clean up.
  // And in the root folder: Debian 13's Ceph looks for its object classes in `lib/…`, relative to where it runs.
  const env = { ...process.env, CEPH_CONF: `${dir}/ceph.conf` };
  const child = spawn(file, args, { detached: true, cwd: '/', env, stdio: ['ignore', output, output] });
  closeSync(output);
  child.on('error', () => {}); // seen by the caller as a daemon that never answers
  child.unref();
  if (child.pid !== undefined) writeFileSync(pidFile(dir, name), String(child.pid));
}

function commandOf(name: string, dir: string): string[] {
  const conf = ['-c', `${dir}/ceph.conf`];
  if (name === MIRROR) return ['rbd-mirror', '-f', '-n', `client.${MIRROR}`, ...conf, '--log-file', `${dir}/log/${name}.log`];
  const [kind = '', id = ''] = name.split('.');
  return [`ceph-${kind}`, '-f', '-i', id, ...conf];
}

/** The daemon's process id, or `undefined` when it is not running: an id that now belongs to another program is not it. */
export function daemonPid(dir: string, name: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(dir, name), 'utf8'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return command.includes(`${dir}/ceph.conf`) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Returns false when it does not run. */
export function signalDaemon(dir: string, name: string, signal: NodeJS.Signals): boolean {
  const pid = daemonPid(dir, name);
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch {
    return false; // it ended in between
  }
}

/** Kills it and waits until it is gone; nothing to do when it is not running. */
export async function killDaemon(dir: string, name: string): Promise<void> {
  while (signalDaemon(dir, name, 'SIGKILL')) await sleep(20);
  rmSync(pidFile(dir, name), { force: true });
}

function pidFile(dir: string, name: string): string {
  return `${dir}/${name}.pid`;
}
