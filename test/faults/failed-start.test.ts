/** A role that cannot start ends at once, says why in one line, and has done nothing to Ceph. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Driver, writeClusters } from '../support/driver.ts';
import { DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');
/** Milliseconds from the start of the process to its end: a second or two, but on a machine that is busy with other things. */
const SOON = 30_000;

const KUBECONFIG = {
  clusters: [{ name: 'nobody', cluster: { server: 'http://127.0.0.1:1' } }],
  contexts: [{ name: 'nobody', context: { cluster: 'nobody', user: 'nobody' } }],
  users: [{ name: 'nobody', user: {} }],
  'current-context': 'nobody',
};

interface Ended {
  /** Undefined when it had to be killed. */
  readonly code: number | undefined;
  readonly said: string;
}

/** A folder with what stands in the way of a start: a taken socket, a taken port, a cluster configuration that is none. */
class Obstacles implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'loligo-start-'));
  readonly #servers: Server[] = [];
  port = 0;

  static async build(): Promise<Obstacles> {
    const obstacles = new Obstacles();
    await obstacles.#listen({ path: obstacles.path('taken.sock') });
    const taken = await obstacles.#listen({ host: '127.0.0.1', port: 0 });
    obstacles.port = Object(taken.address()).port;
    writeFileSync(obstacles.path('broken.json'), '{broken');
    writeFileSync(obstacles.path('kubeconfig'), JSON.stringify(KUBECONFIG));
    return obstacles;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  async #listen(at: { path: string } | { host: string; port: number }): Promise<Server> {
    const server = createServer();
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(at, resolve));
    return server;
  }

  /** The program with the options of a role that would start, and the one that it cannot start with. */
  run(role: string, wrong: Readonly<Record<string, string>>): Promise<Ended> {
    const given = {
      endpoint: `unix://${this.path('csi.sock')}`,
      clusters: this.path('clusters.json'),
      'state-dir': this.path('state'),
      'mapper-socket': role === 'mapper' ? this.path('mapper.sock') : '',
      'node-name': 'node-1',
      health: '127.0.0.1:0',
      'reap-interval': '1',
      ...wrong,
    };
    const args = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
    const settings = {
      timeout: SOON,
      killSignal: 'SIGKILL',
      env: { ...process.env, KUBECONFIG: this.path('kubeconfig') },
    } as const;
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, role, ...args], settings, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        resolve({ code: typeof code === 'number' ? code : undefined, said: stdout + stderr });
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await new Promise((resolve) => server.close(resolve));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Case {
  readonly role: string;
  readonly wrong: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

function casesOf(at: Obstacles): Readonly<Record<string, Case>> {
  const health = `127.0.0.1:${at.port}`;
  const taken = at.path('taken.sock');
  const folder = { endpoint: 'unix:///no/dir/c.sock' };
  const says = {
    folder: /SOCKET_UNAVAILABLE: .*\/no\/dir is missing/,
    taken: /SOCKET_TAKEN: .*taken\.sock/,
    port: /PORT_UNAVAILABLE: .*127\.0\.0\.1/,
  };
  return {
    'a folder is missing': { role: 'controller', wrong: folder, says: says.folder },
    'a folder is missing (standalone)': { role: 'standalone', wrong: folder, says: says.folder },
    'the folder of the second socket is missing': {
      role: 'controller',
      wrong: { 'addons-endpoint': folder.endpoint },
      says: says.folder,
    },
    'the socket is taken': { role: 'controller', wrong: { endpoint: taken }, says: says.taken },
    'the socket is taken (node)': { role: 'node', wrong: { endpoint: taken }, says: says.taken },
    'the socket is taken (mapper)': { role: 'mapper', wrong: { 'mapper-socket': taken }, says: says.taken },
    'the port is taken': { role: 'controller', wrong: { health }, says: says.port },
    'the port is taken (operator)': { role: 'operator', wrong: { health }, says: says.port },
    'the endpoint is none': { role: 'controller', wrong: { endpoint: 'tcp://127.0.0.1:1' }, says: /ENDPOINT_INVALID/ },
    'the topology is missing': { role: 'controller', wrong: { topology: '/nope' }, says: /OPTION_INVALID: --topology/ },
    'the configuration is broken': {
      role: 'controller',
      wrong: { clusters: at.path('broken.json') },
      says: /CONFIG_INVALID: .*not JSON/,
    },
    'the configuration is missing': { role: 'controller', wrong: { clusters: '/nope' }, says: /CONFIG_UNREADABLE: .*\/nope/ },
    'the configuration is broken (node)': { role: 'node', wrong: { clusters: at.path('broken.json') }, says: /CONFIG_INVALID/ },
    'the configuration is broken (operator)': {
      role: 'operator',
      wrong: { clusters: at.path('broken.json') },
      says: /CONFIG_INVALID/,
    },
  };
}

test('a role that cannot start ends soon with one line that says why, and purges nothing', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { options: { 'creator-lifetime': '1' } });
  const { cluster, entry } = bed;
  const volume = await bed.create('v', { mutableParameters: { deleteRetention: '3s' } });
  await bed.delete(volume);
  await bed.driver.stop();
  await sleep(4000);
  await using at = await Obstacles.build();
  writeClusters(at.dir, { [cluster]: entry });

  for (const [name, { role, wrong, says }] of Object.entries(casesOf(at))) {
    await t.test(name, async () => {
      const { code, said } = await at.run(role, wrong);

      assert.equal(code, 1, said);
      const lines = said.trim().split('\n');
      assert.equal(lines.length, 1, said);
      assert.match(said, /^loligo: /);
      assert.match(said, says);
    });
  }
  const kept = await pool.rbdJson('trash', 'ls', '--all');

  assert.equal(Object(kept).length, 1, 'a role that did not start has purged');
  // The same entry, for a role that starts: it was there to be purged.
  await using _driver = await Driver.start({
    role: 'controller',
    clusters: { [cluster]: entry },
    options: { 'reap-interval': '1' },
  });
  for (const end = Date.now() + 30_000; Object(await pool.rbdJson('trash', 'ls', '--all')).length > 0; await sleep(200)) {
    assert.ok(Date.now() < end, 'nobody purged the entry: the test does not test');
  }
});
