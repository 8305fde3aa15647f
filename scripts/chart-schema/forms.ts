/** The words that the chart's schema is written in: each is a piece of JSON Schema that refuses what is not its form. */

export type Schema = Readonly<Record<string, unknown>>;

/** Exactly these keys; `required` of them must be given. */
export function object(says: string, properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return {
    description: says,
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** Any keys of that form, each with a value of one kind. */
export function mapOf(says: string, value: Schema, keys?: string): Schema {
  return { description: says, type: 'object', additionalProperties: value, ...(keys ? { propertyNames: { pattern: keys } } : {}) };
}

export function list(says: string, items: Schema): Schema {
  return { description: says, type: 'array', items };
}

export function text(says: string, pattern?: string): Schema {
  return { description: says, type: 'string', ...(pattern ? { pattern } : {}) };
}

/** Text that must not be empty. */
export function given(says: string, pattern?: string): Schema {
  return { ...text(says, pattern), minLength: 1 };
}

export function oneOf(says: string, words: readonly string[]): Schema {
  return { description: says, type: 'string', enum: words };
}

export function flag(says: string): Schema {
  return { description: says, type: 'boolean' };
}

export function whole(says: string, minimum: number, maximum: number): Schema {
  return { description: says, type: 'integer', minimum, maximum };
}

/** What Kubernetes itself checks: passed on as it is. */
export function ofKubernetes(says: string): Schema {
  return { description: says, type: 'object' };
}

/** A name of Loligo's: cluster, site, pool. */
export const NAME = '^[A-Za-z0-9][A-Za-z0-9._-]*$';
/** A name of an object in Kubernetes. */
export const OBJECT_NAME = '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$';
/** An absolute path without a slash at its end; no comma and colon, which mounts and programs read otherwise. */
export const PATH = '^(/[A-Za-z0-9._-]+)+$';
