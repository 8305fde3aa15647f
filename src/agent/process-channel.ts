import { Failure } from '#lib/failure';
import type { Channel } from './agent-main.ts';
import type { ToAgent } from './wire.ts';

/** The channel that `fork` opened; the process ends with it. */
export function processChannel(): Channel {
  if (process.send === undefined) {
    throw new Failure('invalid', 'COMMAND_UNKNOWN', 'an agent is started by Loligo itself, not by hand');
  }
  process.on('disconnect', () => process.exit(0));
  // A Ctrl-C in a terminal reaches the whole process group; the parent says when to leave.
  process.on('SIGINT', () => undefined);
  return {
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    onMessage: (listener) => {
      process.on('message', (message: ToAgent) => listener(message));
    },
    end: () => process.exit(0),
  };
}
