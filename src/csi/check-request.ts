/**
 * The bounds that CSI sets to every message, held by the descriptor, so that no field can be forgotten: 128 bytes a
 * string (paths and node ids more), 4 KiB a map, no control characters, no enum value that the protocol does not have.
 */
import protobuf from 'protobufjs';
import { protocolName } from './protocol-name.ts';
import { invalid } from './refuse.ts';

const STRING_MAX = 128;
const NODE_ID_MAX = 256;
const PATH_MAX = 4096;
const MAP_MAX = 4096;
const LIST_MAX = 1024;

/** What CSI forbids in names; a map's values may need line ends (a list in JSON), so these are not in it. */
const FORBIDDEN = /[^\P{Cc}\t\n\r]/u;
const ANY_CONTROL = /\p{Cc}/u;

/** Throws `invalid` naming the field by its path. Never quotes a value: it may be a secret. */
export function checkRequest(type: protobuf.Type, message: object, path = ''): void {
  for (const field of type.fieldsArray) {
    const at = `${path}${protocolName(field.name)}`;
    const value: unknown = Reflect.get(message, field.name);
    if (value === undefined || value === null) continue;
    if (field.map) checkMap(at, value);
    else if (Array.isArray(value)) checkList(field, at, value);
    else checkValue(field, at, value);
  }
}

function checkList(field: protobuf.Field, at: string, values: readonly unknown[]): void {
  if (values.length > LIST_MAX) throw invalid(at, `has more than ${LIST_MAX} elements`);
  values.forEach((value, index) => {
    checkValue(field, `${at}[${index}]`, value);
  });
}

function checkValue(field: protobuf.Field, at: string, value: unknown): void {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) {
    // The loader leaves a number where the protocol has no name for it.
    if (typeof value !== 'string') throw invalid(at, `is ${String(value)}, which this version of CSI does not have`);
  } else if (type instanceof protobuf.Type && typeof value === 'object' && value !== null) {
    checkRequest(type, value, `${at}.`);
  } else if (typeof value === 'string' && field.type === 'string') {
    checkString(field.name, at, value);
  }
}

function checkString(name: string, at: string, text: string): void {
  const max = name.endsWith('Path') ? PATH_MAX : name === 'nodeId' ? NODE_ID_MAX : STRING_MAX;
  if (Buffer.byteLength(text) > max) throw invalid(at, `is longer than ${max} bytes`);
  checkCharacters(at, text, name === 'name' ? FORBIDDEN : ANY_CONTROL);
}

function checkMap(at: string, map: object): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(map)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
    if (bytes > MAP_MAX) throw invalid(at, `is larger than ${MAP_MAX} bytes`);
    checkCharacters(`a key of ${at}`, key, ANY_CONTROL);
    checkCharacters(`${at}[${key}]`, String(value), FORBIDDEN);
  }
}

function checkCharacters(at: string, text: string, forbidden: RegExp): void {
  if (forbidden.test(text)) throw invalid(at, 'has a control character');
  if (!text.isWellFormed()) throw invalid(at, 'is not Unicode text');
}
