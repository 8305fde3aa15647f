import type { Scope } from '#lib/scope';
import type { Page } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ListVolumesRequest, ListVolumesResponse } from '../generated/messages.ts';
import type { Rpc } from '../rpc.ts';
import { answerVolume } from './answers.ts';
import { type Listed, listAcross, type PageAsked, readPage } from './paging.ts';
import { publishedNodes } from './published-nodes.ts';

type Entry = NonNullable<ListVolumesResponse['entries']>[number];

/** Lists the volumes of all clusters; one that cannot be reached fails the call, for a gap would read as "deleted". */
export const listVolumes: Rpc<Controller, ListVolumesRequest, PageAsked, ListVolumesResponse> = {
  read: readPage,

  async run(controller, want, scope) {
    const fetch = (cluster: string, page: Page) => volumesOf(controller, cluster, { page, scope });
    const { items, next } = await listAcross(controller.clusters.names(), want, fetch);
    return { entries: [...items], nextToken: next };
  },
};

async function volumesOf(
  controller: Controller,
  cluster: string,
  { page, scope }: { page: Page; scope: Scope },
): Promise<Listed<Entry>> {
  const engine = controller.clusters.engineAt(cluster);
  const { volumes, next } = await engine.listVolumes(page, scope);
  const nodes = controller.listPublishedNodes ? await publishedNodes(engine, volumes, scope) : [];
  const items = volumes.map((volume, index) => ({
    volume: answerVolume(controller, cluster, volume),
    status: { publishedNodeIds: [...(nodes[index] ?? [])] },
  }));
  return { items, next };
}
