/** Hostile requests by the protocol's descriptor: a valid request with one thing wrong in one field, for each field. */
import protobuf from 'protobufjs';
import { requestType } from '../../src/csi/definitions.ts';

export interface Attack {
  readonly method: string;
  /** As the protocol writes it: `capacity_range.required_bytes`. */
  readonly field: string;
  /** Of a map: the key that is wrong, or whose value is. */
  readonly key: string;
  readonly value: unknown;
  readonly request: object;
}

const STRINGS = [
  '',
  'x'.repeat(5000),
  'a\u0007b',
  'a\u0000b',
  'a\nb',
  '../../etc/passwd',
  'a/../b',
  ';reboot;',
  '$(reboot)`reboot`',
  `'"\\`,
  '--help',
  '%s%n',
  '@',
  '/',
  '\u202egnp',
] as const;

const INTEGERS = ['-1', '-9223372036854775808', '9223372036854775807'] as const;

/** A message with nothing but one field, as another type than the protocol has for it; one for each field and type. */
export function mistypedIn(method: string): readonly { readonly field: string; readonly bytes: Uint8Array }[] {
  return mistyped(requestType(method));
}

function mistyped(type: protobuf.Type, path = ''): { field: string; bytes: Uint8Array }[] {
  return type.fieldsArray.flatMap((field) => {
    const at = `${path}${field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    const begin = (wireType: number): protobuf.Writer => protobuf.Writer.create().uint32((field.id << 3) | wireType);
    const isNumber = !field.map && (field.resolvedType instanceof protobuf.Enum || /int|bool/.test(field.type));
    const own = [begin(1).fixed64(1), begin(5).fixed32(1), isNumber ? begin(2).string('12') : begin(0).uint32(1)];
    const isDeep = field.resolvedType instanceof protobuf.Type && path.split('.').length <= 3;
    const inner = isDeep && field.resolvedType instanceof protobuf.Type ? mistyped(field.resolvedType, `${at}.`) : [];
    return [
      ...own.map((writer) => ({ field: at, bytes: writer.finish() })),
      ...inner.map((one) => ({ field: one.field, bytes: begin(2).bytes(one.bytes).finish() })),
    ];
  });
}

/** Every attack on a method; `valid` is a request that would be served. */
export function attacksOn(method: string, valid: object): readonly Attack[] {
  return within(requestType(method), valid, '').map((attack) => ({ method, ...attack }));
}

function within(type: protobuf.Type, valid: object, path: string): readonly Omit<Attack, 'method'>[] {
  return type.fieldsArray.flatMap((field) => {
    const at = `${path}${field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    const put = (value: unknown): object => ({ ...valid, [field.name]: field.repeated ? [value] : value });
    const old: unknown = Reflect.get(valid, field.name);
    const resolved = field.resolvedType;
    if (resolved instanceof protobuf.Type) {
      if (path.split('.').length > 3) return [];
      const inner = Object(Array.isArray(old) ? old[0] : old);
      return within(resolved, inner, `${at}.`).map((attack) => ({ ...attack, request: put(attack.request) }));
    }
    if (field.map) return mapsFrom(Object(old)).map(([key, value]) => ({ field: at, key, value: value[key], request: put(value) }));
    return valuesFor(field).map((value) => ({ field: at, key: '', value, request: put(value) }));
  });
}

function valuesFor(field: protobuf.Field): readonly unknown[] {
  if (field.resolvedType instanceof protobuf.Enum) return [99, -1];
  if (field.type === 'string') return STRINGS;
  if (field.type === 'int64') return INTEGERS;
  return field.type === 'int32' ? [-1, -2147483648] : [];
}

/** An unknown key, and each known one with hostile values. */
function mapsFrom(valid: Readonly<Record<string, string>>): readonly (readonly [key: string, map: Record<string, string>])[] {
  const unknown = ['', 'constructor', '../x', 'pool;reboot', 'a\nb', 'x'.repeat(5000)].map((key) => [key, 'x'] as const);
  const known = Object.keys(valid).flatMap((key) => STRINGS.map((value) => [key, value] as const));
  return [...unknown, ...known].map(([key, value]) => [key, { ...valid, [key]: value }] as const);
}
