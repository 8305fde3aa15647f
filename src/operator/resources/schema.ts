/**
 * The words that our kinds are described with. One description gives the type that the code is held to, and the OpenAPI
 * schema that the API server is held to; the documentation of each field is part of it.
 */

/** A rule in CEL that the API server refuses objects by, in words that say what to do. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
}

interface Basic {
  readonly doc: string;
  readonly rules?: readonly Rule[];
  /** What counts when it is not given; written into the object by the API server. */
  readonly standard?: string | number | boolean;
}

export type Form =
  | (Basic & { readonly is: 'text'; readonly pattern?: string; readonly maxLength?: number })
  | (Basic & { readonly is: 'choice'; readonly of: readonly string[] })
  | (Basic & { readonly is: 'whole'; readonly minimum?: number })
  | (Basic & { readonly is: 'flag' })
  | (Basic & { readonly is: 'time' })
  | (Basic & {
      readonly is: 'list';
      readonly of: Form;
      readonly minItems?: number;
      readonly maxItems?: number;
      readonly key?: string;
    })
  | (Basic & { readonly is: 'map'; readonly maxProperties?: number })
  | (Basic & { readonly is: 'object'; readonly fields: Readonly<Record<string, Form>>; readonly required: readonly string[] });

/** The type of what a form allows, as it is read from the API server. */
export type TypeOf<F extends Form> = F extends { is: 'choice'; of: readonly (infer C)[] }
  ? C
  : F extends { is: 'text' | 'time' }
    ? string
    : F extends { is: 'whole' }
      ? number
      : F extends { is: 'flag' }
        ? boolean
        : F extends { is: 'list'; of: infer I extends Form }
          ? readonly TypeOf<I>[]
          : F extends { is: 'map' }
            ? Readonly<Record<string, string>>
            : F extends { is: 'object'; fields: infer O extends Readonly<Record<string, Form>>; required: readonly (infer R)[] }
              ? { readonly [K in keyof O & R]: TypeOf<O[K]> } & { readonly [K in Exclude<keyof O, R>]?: TypeOf<O[K]> }
              : never;

/** A schema as `CustomResourceDefinition` has it. */
export type OpenApi = Readonly<Record<string, unknown>>;

export function toOpenApi(form: Form): OpenApi {
  const { doc, rules, standard } = form;
  return {
    description: doc,
    ...(standard === undefined ? {} : { default: standard }),
    ...shapeOf(form),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
  };
}

function shapeOf(form: Form): OpenApi {
  switch (form.is) {
    case 'text':
      return { type: 'string', ...defined({ pattern: form.pattern, maxLength: form.maxLength }) };
    case 'choice':
      return { type: 'string', enum: form.of };
    case 'whole':
      return { type: 'integer', format: 'int64', ...defined({ minimum: form.minimum }) };
    case 'flag':
      return { type: 'boolean' };
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'list':
      return listOf(form);
    case 'map':
      return {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 253 },
        ...defined({ maxProperties: form.maxProperties }),
      };
    case 'object':
      return {
        type: 'object',
        ...(form.required.length === 0 ? {} : { required: form.required }),
        properties: Object.fromEntries(Object.entries(form.fields).map(([name, field]) => [name, toOpenApi(field)])),
      };
  }
}

function listOf({ of, minItems, maxItems, key }: Extract<Form, { is: 'list' }>): OpenApi {
  const identity = key === undefined ? {} : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
  return { type: 'array', items: toOpenApi(of), ...defined({ minItems, maxItems }), ...identity };
}

function defined(fields: Readonly<Record<string, unknown>>): OpenApi {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
