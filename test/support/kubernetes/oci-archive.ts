/** Packs folders as OCI image archives: tar and Node alone, no registry, no daemon. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runProgram } from '../ceph/program.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** One name in the archive, with what its containers run. */
export interface ImageEntry {
  readonly name: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Writes `archive` with one layer, the folder `root`, under each of the names. Whole or not at all. */
export async function packImages(archive: string, root: string, entries: readonly ImageEntry[]): Promise<void> {
  mkdirSync(dirname(archive), { recursive: true });
  const work = mkdtempSync(`${archive}-`);
  try {
    const blobs = join(work, 'blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    const layer = await packLayer(root, blobs);
    const manifests = entries.map((entry) => writeImage(entry, layer, blobs));
    writeFileSync(join(work, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(join(work, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    const whole = join(work, 'archive.tar');
    await runProgram('tar', ['-C', work, '-cf', whole, 'oci-layout', 'index.json', 'blobs']);
    renameSync(whole, archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function packLayer(root: string, blobs: string): Promise<Blob> {
  const path = join(blobs, 'layer');
  const reproducible = ['--numeric-owner', '--owner=0', '--group=0', '--sort=name', '--mtime=@0'];
  await runProgram('tar', ['-C', root, ...reproducible, '-cf', path, '.']);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const digest = hash.digest('hex');
  renameSync(path, join(blobs, digest));
  return { digest: `sha256:${digest}`, size: statSync(join(blobs, digest)).size };
}

function writeImage({ name, entrypoint, command }: ImageEntry, layer: Blob, blobs: string): object {
  const config = writeJson(blobs, {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Entrypoint: entrypoint, Cmd: command },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = writeJson(blobs, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, ...config },
    layers: [{ mediaType: LAYER, ...layer }],
  });
  return { mediaType: MANIFEST, annotations: { 'io.containerd.image.name': name }, ...manifest };
}

function writeJson(blobs: string, content: object): Blob {
  const data = Buffer.from(JSON.stringify(content));
  const digest = createHash('sha256').update(data).digest('hex');
  writeFileSync(join(blobs, digest), data);
  return { digest: `sha256:${digest}`, size: data.length };
}
