/** What a volume keeps of its class for the node that stages it, checked while it can still be refused. */
import { Failure } from '#lib/failure';
import { checkClassOptions } from '#node';
import type { Capability } from '../request/capability.ts';
import type { ReadParameters } from './read-parameters.ts';
import type { ParameterValues } from './table.ts';

/** No secret, and never changed later. */
export function contextOf({ mapper, mapOptions, mkfsOptions, encrypted }: ParameterValues): Record<string, string> {
  return {
    ...(mapper === undefined ? {} : { mapper }),
    ...(mapOptions === undefined ? {} : { mapOptions }),
    ...(mkfsOptions === undefined ? {} : { mkfsOptions }),
    ...(encrypted === true ? { encrypted: 'true' } : {}),
  };
}

const CONTEXT = ['mapper', 'mapOptions', 'mkfsOptions', 'encrypted'] as const;

/** Of a volume context what is ours: the provisioner adds words of its own. */
export function givenContext(context: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(CONTEXT.flatMap((key) => (context[key] === undefined ? [] : [[key, context[key]]])));
}

/** Throws `invalid` for what no node could stage, or what would have no effect there. */
export function checkStaging({ mapper, mapOptions = '', mkfsOptions = '' }: ParameterValues, asked: StagingAsked): void {
  const fsTypes = asked.capabilities.flatMap(({ access }) => (access.type === 'mount' ? [access.fsType] : []));
  checkClassOptions({ mapper: mapper ?? '', mapOptions, mkfsOptions, fsTypes });
  checkLimits(mapper, asked.qos);
}

/** Throws `invalid` for limits of a volume whose mapper is known, and knows none. */
export function checkLimits(mapper: string | undefined, qos: ReadParameters['qos']): void {
  const limit = Object.entries(qos).find(([, value]) => value !== '0')?.[0];
  if (mapper === 'krbd' && limit !== undefined) {
    throw new Failure(
      'invalid',
      'LIMIT_WITHOUT_EFFECT',
      `parameter ${limit} has no effect with mapper krbd: the kernel's client knows no limits`,
    );
  }
}

export interface StagingAsked {
  readonly capabilities: readonly Capability[];
  readonly qos: ReadParameters['qos'];
}
