/**
 * Runs in the machine and does there what tests ask for: a program to its end, a program that stays, a way to a unix
 * socket. A request is one line of JSON on a connection of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { AGENT_PORT, type Ran, type Request, type RunRequest, type StartRequest, type WriteRequest } from './protocol.ts';

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  let head = Buffer.alloc(0);
  const receive = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\n');
    if (end < 0) return;
    socket.off('data', receive);
    socket.pause();
    // Only test support speaks to it.
    serve(socket, JSON.parse(head.toString('utf8', 0, end)) as Request, head.subarray(end + 1));
  };
  socket.on('data', receive);
});
server.listen(AGENT_PORT);

function serve(socket: Socket, request: Request, rest: Buffer): void {
  if (request.act === 'run') runToEnd(socket, request);
  else if (request.act === 'start') start(socket, request);
  else if (request.act === 'write') void write(socket, request);
  else lead(socket, request.socket, rest);
}

function runToEnd(socket: Socket, { program, args, input, env, timeout }: RunRequest): void {
  socket.resume();
  const child = spawn(program, args, { cwd: '/', detached: true, env: { ...process.env, ...env } });
  const timer = setTimeout(() => killGroup(child), timeout);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const answer = (how: Partial<Ran>): void => {
    clearTimeout(timer);
    socket.end(`${JSON.stringify({ stdout: stdout(), stderr: stderr(), exit: null, signal: null, ...how })}\n`);
  };
  child.stdin.on('error', () => undefined).end(Buffer.from(input, 'base64'));
  child.once('error', (error) => answer({ failed: error.message }));
  child.once('close', (exit, signal) => answer({ exit, signal }));
  socket.once('close', () => killGroup(child)); // Nobody waits for it any more.
}

function start(socket: Socket, { program, args, env, log }: StartRequest): void {
  const output = openSync(log, 'a');
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  child.once('error', () => undefined);
  socket.end(`${JSON.stringify({ pid: child.pid ?? 0 })}\n`);
}

async function write(socket: Socket, { path, content }: WriteRequest): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.from(content, 'base64'), { mode: 0o600 });
    socket.end('{}\n');
  } catch (error) {
    socket.end(`${JSON.stringify({ failed: String(error) })}\n`);
  }
}

function lead(socket: Socket, path: string, first: Buffer): void {
  const upstream = connect(path);
  upstream.write(first);
  socket.pipe(upstream).pipe(socket);
  upstream.on('error', () => socket.destroy());
  socket.on('error', () => upstream.destroy());
  socket.on('close', () => upstream.destroy());
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('base64');
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}
