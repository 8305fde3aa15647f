/**
 * A server that speaks Vault's protocol, asked as one identity. Its token is read from a file at each use (an agent beside
 * us renews it), or is what a login by the JSON Web Token in that file gave, until that expires.
 */
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Failure } from '#lib/failure';
import { field, listField, parseJson } from '#lib/json';

export interface VaultServer {
  /** `https://vault.example:8200` */
  readonly address: string;
  /** A file of certificates to trust; '' for the system's. */
  readonly caFile: string;
  readonly tokenFile: string;
  /** The login that the file's content is for; undefined when it is a token of Vault's. */
  readonly login: { readonly mount: string; readonly role: string } | undefined;
}

export interface Answer {
  readonly status: number;
  /** The `data` of an answer. */
  readonly data: unknown;
  /** What Vault says of a refusal, bounded. */
  readonly said: string;
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

const TIMEOUT_MS = 5_000;
const ANSWER_MAX = 64 * 1024;
/** A token is given up a little before it ends. */
const MARGIN_MS = 10_000;

export class VaultClient {
  readonly #server: VaultServer;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(server: VaultServer) {
    this.#server = server;
  }

  /** Throws `unreachable` or `denied`; other answers are the caller's to judge. */
  async ask(question: Question): Promise<Answer> {
    const answer = await this.#send(question, await this.#getToken());
    if (answer.status !== 403) return answer;
    // A token may be revoked before its time.
    this.#token = undefined;
    const again = await this.#send(question, await this.#getToken());
    if (again.status === 403) throw this.#refused(`refuses ${question.method} ${question.path}`, again);
    return again;
  }

  async #getToken(): Promise<string> {
    const { login } = this.#server;
    const text = await this.#readFile(this.#server.tokenFile);
    if (login === undefined) return text;
    if (this.#token !== undefined && Date.now() < this.#token.until) return this.#token.text;
    const path = `auth/${login.mount}/login`;
    const answer = await this.#send({ method: 'POST', path, body: { role: login.role, jwt: text } }, '');
    const token = field(answer.auth, 'client_token');
    if (answer.status !== 200 || typeof token !== 'string') throw this.#refused(`refuses the login as ${login.role}`, answer);
    const seconds = Number(field(answer.auth, 'lease_duration')) || 0;
    this.#token = { text: token, until: Date.now() + seconds * 1000 - MARGIN_MS };
    return token;
  }

  async #send({ method, path, body }: Question, token: string): Promise<Answer & { readonly auth: unknown }> {
    const url = new URL(`/v1/${path}`, this.#server.address);
    const ca = this.#server.caFile === '' ? undefined : await this.#readFile(this.#server.caFile);
    const headers = { 'content-type': 'application/json', ...(token === '' ? {} : { 'x-vault-token': token }) };
    const { status, text } = await this.#exchange(url, { method, headers, ca, body: body && JSON.stringify(body) });
    if (status >= 500 || status === 429) throw this.#silent(`answers ${status}`);
    const parsed = parseJson(text);
    const said = listField(parsed, 'errors')
      .map(String)
      .join('; ')
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, 300);
    return { status, said, data: field(parsed, 'data'), auth: field(parsed, 'auth') };
  }

  #exchange(
    url: URL,
    { body, ...options }: { method: string; headers: Record<string, string>; ca: string | undefined; body: string | undefined },
  ): Promise<{ readonly status: number; readonly text: string }> {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const asked = send(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX) answer.destroy(new RangeError('an answer that long is none'));
      });
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.once('error', reject);
    asked.end(body);
    return promise.catch((cause) => {
      throw this.#silent('does not answer', cause);
    });
  }

  async #readFile(path: string): Promise<string> {
    try {
      return (await readFile(path, 'utf8')).trim();
    } catch (cause) {
      throw new Failure('precondition', 'KEY_UNREADABLE', `${path}, which asking Vault takes, cannot be read`, { cause });
    }
  }

  #silent(what: string, cause?: unknown): Failure {
    return new Failure('unreachable', 'VAULT_SILENT', `Vault at ${this.#server.address} ${what}`, { cause });
  }

  #refused(what: string, { said }: Answer): Failure {
    return new Failure('denied', 'VAULT_REFUSED', `Vault at ${this.#server.address} ${what}: ${said}`);
  }
}
