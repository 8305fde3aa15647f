/** Bundles the program into one file. koffi stays outside: it brings a native library. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { step } from './step.ts';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = 'dist/bin/loligo.js';
// Packages in CommonJS form call `require`, which a module does not have.
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

await step('bundle (esbuild)', () =>
  build({
    absWorkingDir: ROOT,
    entryPoints: ['src/bin/loligo.ts'],
    outfile: OUTPUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['koffi'],
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
    sourcemap: true,
    logLevel: 'warning',
  }),
);
const size = (statSync(resolve(ROOT, OUTPUT)).size / 2 ** 20).toFixed(1);
console.log(`  ${OUTPUT}  ${size} MiB`);
