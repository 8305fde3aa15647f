import { LIMITS } from './limits.ts';
import { run } from './run.ts';

/** Where the module is a file of this host that may be loaded; else it has to be there. */
export async function loadModule(name: string): Promise<void> {
  try {
    await run('modprobe', ['--quiet', name], { limit: LIMITS.look, accept: [0, 1] });
  } catch {
    // Seen by who looks for the module.
  }
}
