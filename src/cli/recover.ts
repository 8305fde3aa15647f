/** `loligo recover`: the objects of a pool's volumes, built in a Kubernetes cluster that has lost them. The plan comes first. */

/** One volume, as the plan has it; what is built of it is the other front door's business. */
export interface PlannedVolume {
  readonly volume: string;
  /** `namespace/name`, '' while that is not known. */
  readonly claim: string;
  /** What is to be made or changed, in words. */
  readonly objects: readonly string[];
  /** What is not, and why. */
  readonly refusals: readonly string[];
  /** Nothing of it can be built. */
  readonly isRefused: boolean;
  /** Builds it; what the API server refused. */
  build(): Promise<readonly string[]>;
}

export interface Recovery {
  /** `pool[/namespace] of cluster …` */
  readonly where: string;
  readonly dryRun: boolean;
  plan(): Promise<readonly PlannedVolume[]>;
}

/** The lines to print, as they come. */
export async function* runRecover({ where, dryRun, plan }: Recovery): AsyncGenerator<string, number> {
  const volumes = await plan();
  yield* describePlan(where, volumes);
  const left = volumes.flatMap(({ refusals }) => refusals).length;
  const due = volumes.filter(({ objects }) => objects.length > 0);
  if (dryRun || due.length === 0) {
    yield dryRun ? 'nothing was built: --dry-run' : 'there is nothing to build';
    return left;
  }
  let failed = 0;
  for (const { volume, objects, build } of due) {
    const refused = await build();
    failed += refused.length;
    yield refused.length === 0 ? `built    ${volume}: ${objects.length} objects` : `refused  ${refused.join('; ')}`;
  }
  return left + failed;
}

function* describePlan(where: string, volumes: readonly PlannedVolume[]): Generator<string> {
  const due = volumes.filter(({ objects }) => objects.length > 0);
  const there = volumes.filter(({ objects, isRefused }) => objects.length === 0 && !isRefused);
  const refusals = volumes.flatMap((one) => one.refusals);
  yield `${where}: ${volumes.length} volumes`;
  for (const { volume, claim, objects } of due) {
    yield `build    ${volume} as ${claim}`;
    for (const object of objects) yield `           ${object}`;
  }
  for (const { volume, claim } of there) yield `there    ${volume} as ${claim}`;
  for (const refusal of refusals) yield `refused  ${refusal}`;
  const objects = due.reduce((sum, one) => sum + one.objects.length, 0);
  yield `${objects} objects of ${due.length} volumes are to be built; ${there.length} volumes are there; ${refusals.length} refusals`;
}
