/** What the agent in the machine is asked, and what it answers. Bytes are base64. */

export const AGENT_PORT = 1024;

export interface RunRequest {
  readonly act: 'run';
  readonly program: string;
  readonly args: readonly string[];
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds until it and its children are killed. */
  readonly timeout: number;
}

/** What it says is appended to `log`. The answer is its process id. */
export interface StartRequest {
  readonly act: 'start';
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
}

/** Makes a file, for root alone, and the folders above it. The answer is an object, empty or with `failed`. */
export interface WriteRequest {
  readonly act: 'write';
  readonly path: string;
  readonly content: string;
}

/** What follows the line goes to that unix socket, and back. */
export interface LeadRequest {
  readonly act: 'lead';
  readonly socket: string;
}

export type Request = RunRequest | StartRequest | WriteRequest | LeadRequest;

export interface Ran {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It could not even be started. */
  readonly failed?: string;
}
