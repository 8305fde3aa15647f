import type { Scope } from '#lib/scope';
import type { ImageRef, RemoteEngine } from '#rbd';

/** Volumes whose watchers are read at once. */
const AT_ONCE = 16;

/** The nodes that use each of the volumes, in the volumes' order. */
export async function publishedNodes(
  engine: RemoteEngine,
  volumes: readonly ImageRef[],
  scope: Scope,
): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for (let start = 0; start < volumes.length; start += AT_ONCE) {
    const some = volumes.slice(start, start + AT_ONCE);
    found.push(...(await Promise.all(some.map((volume) => engine.publishedNodes(refOf(volume), scope)))));
  }
  return found;
}

function refOf({ pool, namespace, image }: ImageRef): ImageRef {
  return { pool, namespace, image };
}
