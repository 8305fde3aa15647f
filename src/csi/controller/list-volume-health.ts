import type { Credentials } from '#lib/cluster-config';
import type { Page } from '#rbd';
import type { Controller } from '../clusters.ts';
import type { ControllerListVolumeHealthRequest, ControllerListVolumeHealthResponse } from '../generated/messages.ts';
import { readCredentials } from '../request/credentials.ts';
import type { Rpc } from '../rpc.ts';
import { answerHealth } from './answers.ts';
import { listAcross, type PageAsked, readPage } from './paging.ts';

export interface HealthAsked extends PageAsked {
  readonly credentials: Credentials | undefined;
}

/** The volumes that are not well. */
export const listVolumeHealth: Rpc<Controller, ControllerListVolumeHealthRequest, HealthAsked, ControllerListVolumeHealthResponse> =
  {
    read: (request) => ({ ...readPage(request), credentials: readCredentials(request.secrets) }),

    async run({ clusters }, want, scope) {
      const fetch = async (cluster: string, page: Page) => {
        const { unhealthy, next } = await clusters.engineAt(cluster, want.credentials).listVolumeHealth(page, scope);
        return { items: unhealthy.map((health) => answerHealth(cluster, health)), next };
      };
      const { items, next } = await listAcross(clusters.names(), want, fetch);
      return { entries: [...items], nextToken: next };
    },
  };
