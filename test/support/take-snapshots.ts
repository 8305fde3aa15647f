/** Takes many snapshots of one image with our binding: `take-snapshots.ts`, told on stdin. Names are numbers. */
import { text } from 'node:stream/consumers';
import { connect, Image, Native, takeSnapshot } from '#ceph';

export interface Snapshots {
  readonly monitors: readonly string[];
  readonly key: string;
  readonly pool: string;
  readonly namespace: string;
  readonly image: string;
  readonly first: number;
  readonly last: number;
}

// What the test wrote.
const want = JSON.parse(await text(process.stdin)) as Snapshots;
const cluster = await connect(new Native({ begun: () => undefined, ended: () => undefined }), {
  monitors: want.monitors,
  user: 'admin',
  key: want.key,
  options: {},
});
const io = await cluster.open(want.pool, want.namespace);
const image = await Image.open(io, { name: want.image });
for (let number = want.first; number <= want.last; number++) await takeSnapshot(image, `n-${number}`);
await image[Symbol.asyncDispose]();
await cluster[Symbol.asyncDispose]();
