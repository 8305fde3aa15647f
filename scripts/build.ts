/**
 * Bundles the program: an entry, and chunks that the roles load as they need them (an agent has no gRPC, a controller
 * no Ceph). koffi stays outside: it brings a native library. `build.ts [FOLDER]`; dist/bin when left out.
 */
import { globSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = process.argv[2] ?? 'dist/bin';
// Packages in CommonJS form call `require`, which a module does not have.
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

rmSync(resolve(ROOT, OUTPUT), { recursive: true, force: true });
await step('bundle (esbuild)', () =>
  build({
    absWorkingDir: ROOT,
    entryPoints: ['src/bin/loligo.ts'],
    outdir: OUTPUT,
    chunkNames: 'part-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['koffi'],
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
    sourcemap: true,
    logLevel: 'warning',
  }),
);
for (const file of globSync(`${OUTPUT}/*.js`, { cwd: ROOT })) {
  console.log(`  ${file.padEnd(44)} ${(statSync(resolve(ROOT, file)).size / 2 ** 20).toFixed(1).padStart(6)} MiB`);
}
