import type { Scope } from '#lib/scope';
import type { ImageRef, RemoteEngine } from '#rbd';

/** The nodes that use each of the volumes, in the volumes' order. */
export async function publishedNodes(
  engine: RemoteEngine,
  volumes: readonly ImageRef[],
  scope: Scope,
): Promise<readonly (readonly string[])[]> {
  return await engine.publishedNodes({ volumes: volumes.map(refOf) }, scope);
}

function refOf({ pool, namespace, image }: ImageRef): ImageRef {
  return { pool, namespace, image };
}
