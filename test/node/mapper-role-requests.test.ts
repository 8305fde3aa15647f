/** What the mapper role's socket takes, and what it refuses. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { remoteKeepers, serveKeeper } from '#node';
import type { NbdOrder } from '../../src/node/keeper/keeper.ts';
import { aScope } from './scope.ts';

const VOLUME = '0123456789abcdef0123456789abcdef';

/** A served mapper role that would do nothing but note what it is told to do. */
class Role implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'loligo-mapper-'));
  readonly socket = join(this.dir, 'mapper.sock');
  readonly done: string[] = [];
  #stop = async (): Promise<void> => undefined;

  static async serve(): Promise<Role> {
    const role = new Role();
    mkdirSync(role.volume(VOLUME), { recursive: true, mode: 0o700 });
    const note = (act: string) => async (dir: string) => void role.done.push(`${act} ${dir}`);
    const missing = async (): Promise<undefined> => undefined;
    const serve = (dir: string, { image, device }: NbdOrder): Promise<string> => {
      role.done.push(`nbd-serve ${dir} ${image} ${device}`);
      return Promise.resolve('what it said');
    };
    const keepers = { daemon: { missing, start: note('start'), end: note('end') }, nbd: { missing, serve, end: note('nbd-end') } };
    const served = await serveKeeper({ socket: role.socket, stateDir: role.dir }, keepers, aScope().log);
    role.#stop = () => served.stop();
    return role;
  }

  volume(name: string): string {
    return join(this.dir, 'volumes', name);
  }

  say(words: string): Promise<string> {
    const socket = createConnection({ path: this.socket });
    socket.end(words);
    return text(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Failure && error.kind === 'unfinished' && error.reason === 'MAPPER_REFUSED';
}

test('a volume of the state directory is started and ended', async () => {
  await using role = await Role.serve();
  const keeper = remoteKeepers(role.socket).daemon;

  const missing = await keeper.missing();
  await keeper.start(role.volume(VOLUME));
  await keeper.end(role.volume(VOLUME));

  assert.equal(missing, undefined);
  assert.deepEqual(role.done, [`start ${role.volume(VOLUME)}`, `end ${role.volume(VOLUME)}`]);
});

const ORDER = {
  image: 'rbd/ns/image@snap',
  readonly: true,
  exclusive: false,
  label: `loligo.${VOLUME}`,
  device: '/dev/nbd3',
  user: 'loligo',
  key: 'c2VjcmV0',
};

test('rbd-nbd is started with an order, and what it said comes back', async () => {
  await using role = await Role.serve();
  const { nbd } = remoteKeepers(role.socket);

  const missing = await nbd.missing();
  const complaint = await nbd.serve(role.volume(VOLUME), ORDER);
  await nbd.end(role.volume(VOLUME));

  assert.deepEqual([missing, complaint], [undefined, 'what it said']);
  const dir = role.volume(VOLUME);
  assert.deepEqual(role.done, [`nbd-serve ${dir} rbd/ns/image@snap /dev/nbd3`, `nbd-end ${dir}`]);
});

const served = (order: object): object => ({ act: 'nbd-serve', volume: VOLUME, order: { ...ORDER, ...order } });

const HOSTILE = {
  'an option in place of an image': served({ image: '--conf=/etc/shadow' }),
  'an image that is a path': served({ image: '/etc/shadow' }),
  'a device of another kind': served({ device: '/dev/sda' }),
  'an option in place of a user': served({ user: '--admin' }),
  'a user of two lines': served({ user: 'loligo\n[client.admin]' }),
  'a key of two lines': served({ key: 'c2VjcmV0\nadmin = true' }),
  'a label that is none of ours': served({ label: 'other' }),
  'no order': { act: 'nbd-serve', volume: VOLUME },
  'a way up': { act: 'start', volume: '..' },
  'a way down': { act: 'start', volume: `${VOLUME}/targets` },
  'a path': { act: 'end', volume: '/etc' },
  'a name with a line after it': { act: 'start', volume: `${VOLUME}\n` },
  'no name': { act: 'start' },
  'a list of names': { act: 'start', volume: [VOLUME] },
  'an act that it does not have': { act: 'constructor', volume: VOLUME },
  'no request': 'start',
} as const;

for (const [what, request] of Object.entries(HOSTILE)) {
  test(`${what} is refused`, async () => {
    await using role = await Role.serve();

    const answer = await role.say(`${JSON.stringify(request)}\n`);

    assert.match(answer, /"done":false,"reason":"MAPPER_REFUSED"/);
    assert.deepEqual(role.done, []);
  });
}

test('what is no line, or no JSON, or does not end, gets nothing done', async () => {
  await using role = await Role.serve();

  const unended = await role.say('{"act":"start"');
  const noise = await role.say('\0\xff\n');
  const endless = await role.say('x'.repeat(100_000)).catch(() => '');
  const after = await role.say('{"act":"missing","volume":""}\n');

  assert.deepEqual([unended, endless], ['', '']);
  assert.match(noise, /MAPPER_REFUSED/);
  assert.equal(after, '{"done":true}\n');
  assert.deepEqual(role.done, []);
});

test('a link in place of the directory, one that others may write to, and none at all are refused', async () => {
  await using role = await Role.serve();
  const [link, open, none] = ['a', 'b', 'c'].map((digit) => role.volume(digit.repeat(32))) as [string, string, string]; // three
  symlinkSync(role.volume(VOLUME), link);
  mkdirSync(open);
  chmodSync(open, 0o777);
  const keeper = remoteKeepers(role.socket).daemon;

  for (const dir of [link, open, none]) await assert.rejects(keeper.start(dir), isRefused);

  assert.deepEqual(role.done, []);
});

test('the socket is for its owner alone, and goes with the role', async () => {
  const role = await Role.serve();

  const mode = statSync(role.socket).mode & 0o777;
  await assert.rejects(
    serveKeeper({ socket: role.socket, stateDir: role.dir }, remoteKeepers(''), aScope().log),
    (error) => error instanceof Failure && error.reason === 'SOCKET_TAKEN',
  );
  await role[Symbol.asyncDispose]();

  assert.equal(mode, 0o600);
  assert.ok(!existsSync(role.socket));
});
