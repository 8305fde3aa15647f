/**
 * The floor: the librbd calls that an act cannot do without, by our own binding, with nothing around them. A process
 * of its own (`fork`), for its threads and its memory are what is compared; it runs one round at a time.
 */
import {
  type Cluster,
  cloneImage,
  connect,
  createImage,
  dropSnapshot,
  findDirectoryId,
  Image,
  type IoContext,
  moveToTrash,
  Native,
  purgeFromTrash,
  takeSnapshot,
} from '#ceph';
import { Turns } from '#lib/turns';
import { type Act, cloneOf, LARGER, nameOf, type Round, restoredOf, SIZE, snapshotOf, type Where } from './acts.ts';
import { type Load, runLoad } from './load.ts';

export type ToPlain =
  | { readonly say: 'connect'; readonly monitors: readonly string[]; readonly key: string; readonly where: Where }
  | { readonly say: 'run'; readonly round: Round };
export type FromPlain = { readonly load?: Load; readonly error?: string };

/** The features and the object size of a class that names none. */
const OPTIONS = { features: 0b111101n, order: 22 };

/** Nobody who deletes waits for these; as many at once as our reaper has. */
const purges = new Turns(4);
const purged: Promise<void>[] = [];

type PlainAct = (io: IoContext, series: string, index: number) => Promise<unknown>;

const PLAIN: Readonly<Record<Act, PlainAct>> = {
  create: (io, series, index) => createImage(io, nameOf(series, index), { size: SIZE, options: OPTIONS }),
  async snapshot(io, series, index) {
    await using image = await Image.open(io, { name: nameOf(series, index) });
    await takeSnapshot(image, snapshotOf(series, index));
  },
  restore: (io, series, index) =>
    cloneImage(
      { io, image: nameOf(series, index), snapshot: snapshotOf(series, index) },
      { io, image: restoredOf(series, index), options: OPTIONS },
    ),
  async clone(io, series, index) {
    await using image = await Image.open(io, { name: nameOf(series, index) });
    await takeSnapshot(image, 'for-clone');
    await cloneImage(
      { io, image: nameOf(series, index), snapshot: 'for-clone' },
      { io, image: cloneOf(series, index), options: OPTIONS },
    );
    await dropSnapshot(image, 'for-clone');
  },
  async expand(io, series, index) {
    await using image = await Image.open(io, { name: nameOf(series, index) });
    await image.grow(LARGER);
  },
  async delete(io, series, index) {
    const id = await findDirectoryId(io, nameOf(series, index));
    await moveToTrash(io, nameOf(series, index), 0);
    if (id !== undefined) purged.push(purges.run(() => purgeFromTrash(io, id, () => undefined)));
  },
};

let cluster: Cluster | undefined;
let io: IoContext | undefined;

async function hear(message: ToPlain): Promise<Load | undefined> {
  if (message.say === 'connect') {
    const native = new Native({ begun: () => undefined, ended: () => undefined });
    const options = { rbd_cache: 'false', log_to_stderr: 'false', admin_socket: '' };
    cluster = await connect(native, { monitors: message.monitors, user: 'admin', key: message.key, options });
    io = await cluster.open(message.where.pool, message.where.namespace);
    return undefined;
  }
  const { act, series, count, atOnce, first = 0 } = message.round;
  const context = io;
  if (context === undefined) throw new TypeError('not connected');
  const load = await runLoad(count, atOnce, (index) => PLAIN[act](context, series, first + index));
  await Promise.all(purged.splice(0));
  return load;
}

process.on('message', (message: ToPlain) => {
  hear(message).then(
    (load) => process.send?.(load === undefined ? {} : { load }),
    (error) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
