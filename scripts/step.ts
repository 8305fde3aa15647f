/** One line a step, with its time: what the commands of this project show. */

const NAME_WIDTH = 44;

/** Shows `name` while `work` runs and its time after it; what it throws goes on to the caller. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const live = process.stdout.isTTY;
  if (live) process.stdout.write(`  ${name}`);
  try {
    const result = await work();
    endLine(live, name, 'ok', began);
    return result;
  } catch (error) {
    endLine(live, name, 'FAILED', began);
    throw error;
  }
}

function endLine(live: boolean, name: string, word: string, began: number): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${live ? '\r' : ''}  ${name.padEnd(NAME_WIDTH)} ${word.padEnd(6)} ${seconds.padStart(6)} s\n`);
}
