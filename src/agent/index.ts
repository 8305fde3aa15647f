/**
 * The process boundary: librbd blocks and may abort, so it lives in child processes, the agents. `AgentPool` gives the
 * front doors a typed proxy of the engine's operations; `seat.ts` is where agents are replaced; `agent-main.ts` is
 * what runs in the child, behind a door of its own (`child.ts`), so that a parent loads no Ceph and no koffi.
 */
export { AgentPool, type PoolSettings } from './pool.ts';
export type { AgentEvents } from './seat.ts';
