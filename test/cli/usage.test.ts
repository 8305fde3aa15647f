/** What the program says to whoever calls it wrongly: one line or its usage, before it reads or connects to anything. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const PROGRAM = join(import.meta.dirname, '../../src/bin/loligo.ts');

interface Case {
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const USAGE = /^loligo .*\n\nusage: loligo ROLE/;

const cases: Record<string, Case> = {
  'help is printed for a role': { args: ['controller', '--help'], code: 0, says: USAGE },
  'help is printed for a command': { args: ['volume', 'undelete', '--help'], code: 0, says: USAGE },
  'a port that no host has is refused': {
    args: ['controller', '--health', '127.0.0.1:99999'],
    code: 1,
    says: /^loligo: OPTION_INVALID: --health .*65535\n$/,
  },
  'an agent is not started by hand': { args: ['agent'], code: 1, says: /^loligo: COMMAND_UNKNOWN: [^\n]*by hand\n$/ },
  'a handle is missing': { args: ['volume', 'undelete'], code: 1, says: /^loligo: HANDLE_INVALID: usage: loligo volume/ },
  'a node is missing': { args: ['nodes', 'lost'], code: 1, says: /^loligo: COMMAND_UNKNOWN: usage: loligo nodes/ },
};

for (const [name, { args, code, says }] of Object.entries(cases)) {
  test(name, async () => {
    const ended = await runLoligo(args);

    assert.match(ended.said, says);
    assert.equal(ended.code, code);
  });
}

function runLoligo(args: readonly string[]): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    // Nothing is configured where this runs.
    const env = { ...process.env, LOLIGO_CLUSTERS: '/nonexistent/clusters.json' };
    execFile(process.execPath, [PROGRAM, ...args], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, said: stdout + stderr });
    });
  });
}
