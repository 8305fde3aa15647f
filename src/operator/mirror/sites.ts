/** What the operator asks of the two sites of a cluster; given from outside. */
import type { Credentials } from '#lib/cluster-config';
import type { Scope } from '#lib/scope';
import type { Engine, Mirroring } from '#rbd';

type Asked = Mirroring & Pick<Engine, 'listVolumes' | 'volumeFacts' | 'writeVolumeFacts'>;

/** The engine at one site, as far as mirroring goes. */
export type SiteEngine = {
  readonly [K in keyof Asked]: (args: Parameters<Asked[K]>[0], scope: Scope) => ReturnType<Asked[K]>;
};

export interface Sites {
  /** The names of the sites behind a cluster, our own first. Throws `precondition` for a cluster that is not configured. */
  names(cluster: string): readonly string[];
  engineAt(cluster: string, site: string): SiteEngine;
  /** With what the peer's daemon comes to a site, where that is given and not ours to make. */
  mirrorUser(cluster: string, site: string): Credentials | undefined;
}
