/**
 * What takes long: `soak.ts [name …]`. Each form runs to its end, also after another failed; what came of it is written
 * to docs/results.md with date, versions and command.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from '../test/support/ceph/program.ts';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
const RESULTS = join(ROOT, 'docs/results.md');
const LOGS = join(ROOT, '.run/soak');

interface Form {
  readonly name: string;
  readonly about: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

const FORMS: readonly Form[] = [
  {
    name: 'matrices',
    about: 'every test in its long form: whole crash matrices, 60 s outages, all fields of all RPCs',
    command: ['node', 'scripts/test.ts'],
    environment: { LOLIGO_SOAK: '1' },
  },
  {
    name: 'demo-stopped',
    about: 'the demo stopped by Ctrl-C at many moments',
    command: ['node', 'scripts/test.ts', 'soak/demo-stopped'],
  },
  {
    name: 'mirror',
    about: 'moves between two sites, forced ones with the other site frozen, promotes killed half-way',
    command: ['node', 'scripts/test.ts', 'soak/mirror', 'disaster/moves', 'disaster/half-moved'],
    environment: { LOLIGO_SOAK: '1' },
  },
  { name: 'debian13', about: 'make test on Debian 13 with Ceph 18', command: ['scripts/in-debian13.sh', 'test'] },
  { name: 'bench', about: 'the whole benchmark, with 3,000 volumes in the pool', command: ['node', 'scripts/bench.ts'] },
];

const wanted = process.argv.slice(2);
for (const name of wanted) if (!FORMS.some((form) => form.name === name)) throw new Error(`unknown form ${name}: ${names()}`);

mkdirSync(LOGS, { recursive: true });
for (const form of FORMS) {
  if (wanted.length > 0 && !wanted.includes(form.name)) continue;
  const log = join(LOGS, `${form.name}.log`);
  const began = Date.now();
  const code = await step(form.about, () => run(form, log));
  if (code !== 0) process.exitCode = 1;
  await note(form, { code, log, minutes: Math.round((Date.now() - began) / 6000) / 10 });
}

function names(): string {
  return FORMS.map((form) => form.name).join(', ');
}

function run({ command, environment }: Form, log: string): Promise<number> {
  const output = openSync(log, 'w');
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, ...environment }, stdio: ['ignore', output, output] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code, signal) => done(code ?? (signal === null ? 1 : 130)));
  });
}

async function note(form: Form, outcome: { code: number; log: string; minutes: number }): Promise<void> {
  if (!existsSync(RESULTS)) writeFileSync(RESULTS, '# Results of the long runs\n');
  const ceph = (await runProgram('ceph', ['--version'])).trim();
  const commit = (await runProgram('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'])).trim();
  const closing = readFileSync(outcome.log, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  const settings = Object.entries(form.environment ?? {}).map(([name, value]) => `${name}=${value} `);
  appendFileSync(
    RESULTS,
    [
      '',
      `## ${form.name}, ${new Date().toISOString().slice(0, 10)}`,
      '',
      `\`${settings.join('')}${form.command.join(' ')}\` at commit ${commit}, Node ${process.version}, on a host with ${ceph}:`,
      `${outcome.code === 0 ? 'passed' : `FAILED (exit ${outcome.code})`} after ${outcome.minutes} minutes. Its last lines:`,
      '',
      '```',
      closing,
      '```',
      '',
    ].join('\n'),
  );
}
