/**
 * A real Vault for a test: HashiCorp's own code, put together by `go/main.go` and built with the Go toolchain alone (some
 * minutes, once). In memory, on the loopback interface, with TLS; it ends with its process or with this one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CACHE } from '../cache.ts';
import { runProgram } from '../ceph/program.ts';

const GO_MODULE = join(import.meta.dirname, 'go');
const HOME = join(CACHE, 'vault');
const BUILD_TIMEOUT = 60 * 60_000; // milliseconds; 5 minutes on two idle cores

export class Vault implements AsyncDisposable {
  readonly address: string;
  readonly rootToken: string;
  readonly dir: string;
  readonly #process: ChildProcess;

  private constructor(at: { address: string; rootToken: string; dir: string; process: ChildProcess }) {
    this.address = at.address;
    this.rootToken = at.rootToken;
    this.dir = at.dir;
    this.#process = at.process;
  }

  static async start(): Promise<Vault> {
    const program = await build();
    const dir = mkdtempSync(join(tmpdir(), 'vault-'));
    const [certificate, key] = await selfSigned(dir);
    const command = ['--pdeathsig', 'KILL', '--', program, certificate, key];
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const [address, rootToken] = [await lines.next(), await lines.next()];
    if (address.done === true || rootToken.done === true) throw new Error('Vault did not start');
    return new Vault({ address: address.value, rootToken: rootToken.value, dir, process: child });
  }

  /** The certificate that it shows, which signs itself. */
  get caFile(): string {
    return join(this.dir, 'cert.pem');
  }

  /** As an administrator; throws what Vault says against it. */
  async ask(method: string, path: string, body: object = {}, token = this.rootToken): Promise<unknown> {
    const args = ['--silent', '--show-error', '--cacert', this.caFile, '--request', method, '--data', JSON.stringify(body)];
    const headers = ['--header', `X-Vault-Token: ${token}`, '--write-out', '\n%{http_code}'];
    const said = await runProgram('curl', [...args, ...headers, `${this.address}/v1/${path}`]);
    const [text = '', status = ''] = [said.slice(0, said.lastIndexOf('\n')), said.slice(said.lastIndexOf('\n') + 1)];
    if (!/^20[04]$/.test(status)) throw new Error(`Vault answers ${status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Built again when its sources have changed. */
async function build(): Promise<string> {
  const sources = globSync('*', { cwd: GO_MODULE })
    .toSorted()
    .map((name) => readFileSync(join(GO_MODULE, name)));
  const digest = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 16);
  const program = join(HOME, `vault-${digest}`);
  if (existsSync(program)) return program;
  mkdirSync(HOME, { recursive: true });
  const building = join(HOME, `building-${process.pid}`);
  await runProgram('go', ['-C', GO_MODULE, 'build', '-buildvcs=false', '-o', building, '.'], {
    timeout: BUILD_TIMEOUT,
  });
  renameSync(building, program); // whole or not at all
  return program;
}

async function selfSigned(dir: string): Promise<readonly [string, string]> {
  const [certificate, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const subject = ['-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const how = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  await runProgram('openssl', ['req', '-x509', ...how, ...subject, '-keyout', key, '-out', certificate]);
  return [certificate, key];
}
