import type { Part, Surroundings } from './part.ts';

export async function nodePart(_: Surroundings): Promise<Part> {
  return { services: [], look: async () => [], notReady: () => [], stop: async () => undefined };
}
