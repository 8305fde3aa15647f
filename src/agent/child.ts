/** The child's door: only a process that is an agent goes through it, for it loads the engine and koffi. */
export { runAgent } from './agent-main.ts';
export { processChannel } from './process-channel.ts';
