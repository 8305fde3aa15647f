import { Failure } from '#lib/failure';
import { formatVolume, parseVolume } from '#lib/handle';
import type { Scope } from '#lib/scope';
import type { ImageRef, RemoteEngine, Volume } from '#rbd';

interface Command {
  readonly help: string;
  run(engine: RemoteEngine, ref: ImageRef, scope: Scope): Promise<Volume>;
  said(handle: string, volume: Volume): string;
}

/** What an administrator does with one volume, by the name of the command. */
const VOLUME_COMMANDS: Readonly<Record<string, Command>> = {
  undelete: {
    help: 'brings a deleted volume back, as long as it was not purged',
    run: (engine, ref, scope) => engine.undeleteVolume(ref, scope),
    said: (handle, volume) => `${handle} is back, ${volume.size} bytes`,
  },
  adopt: {
    help: 'makes a volume of an image that somebody else made; its data is not touched',
    run: (engine, ref, scope) => engine.adoptVolume(ref, scope),
    said: (handle, volume) => `${handle} is a volume now, ${volume.size} bytes`,
  },
};

/** Runs a command on a volume by its handle; returns the line to print. */
export async function runVolumeCommand(
  clusters: { engineAt(cluster: string): RemoteEngine },
  [verb, text]: readonly [verb: string, handle: string],
  scope: Scope,
): Promise<string> {
  const command = Object.hasOwn(VOLUME_COMMANDS, verb) ? VOLUME_COMMANDS[verb] : undefined;
  if (command === undefined) throw new Failure('invalid', 'COMMAND_UNKNOWN', usage());
  if (text === '') throw new Failure('invalid', 'HANDLE_INVALID', usage());
  const handle = parseVolume(text);
  if (handle === undefined) {
    throw new Failure('invalid', 'HANDLE_INVALID', `${text} is not a volume's handle: CLUSTER/POOL[/NAMESPACE]/IMAGE`);
  }
  const { cluster, ...ref } = handle;
  return command.said(formatVolume(handle), await command.run(clusters.engineAt(cluster), ref, scope));
}

function usage(): string {
  const commands = Object.entries(VOLUME_COMMANDS).map(([name, { help }]) => `\n  ${name.padEnd(10)}${help}`);
  return `usage: loligo volume COMMAND CLUSTER/POOL[/NAMESPACE]/IMAGE [OPTIONS]${commands.join('')}`;
}
