/** Whether a request written by hand is what it seems: gRPC's own way from JSON drops what it does not know. */
import protobuf from 'protobufjs';
import { requestType } from '../src/csi/definitions.ts';

/** Throws `TypeError` naming the field that the method's request does not have, or whose value is not of its type. */
export function checkRequest(method: string, request: unknown): void {
  checkMessage(requestType(method), request, '');
}

function checkMessage(type: protobuf.Type, value: unknown, path: string): void {
  if (!isObject(value)) throw new TypeError(`${path === '' ? 'the request' : path} is not an object`);
  for (const [name, given] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
    if (field === undefined) throw new TypeError(`${at} is unknown; ${type.name} has ${Object.keys(type.fields).join(', ')}`);
    checkField(field, given, at);
  }
}

function checkField(field: protobuf.Field, given: unknown, at: string): void {
  if (field instanceof protobuf.MapField) {
    if (!isObject(given)) throw new TypeError(`${at} is not an object`);
    for (const [key, value] of Object.entries(given)) checkValue(field, value, `${at}.${key}`);
  } else if (field.repeated) {
    if (!Array.isArray(given)) throw new TypeError(`${at} is not a list`);
    for (const [index, value] of given.entries()) checkValue(field, value, `${at}[${index}]`);
  } else checkValue(field, given, at);
}

function checkValue({ type, resolvedType }: protobuf.Field, value: unknown, at: string): void {
  if (resolvedType instanceof protobuf.Type) checkInner(resolvedType, value, at);
  else if (resolvedType instanceof protobuf.Enum) {
    const words = Object.keys(resolvedType.values);
    if (typeof value !== 'string' || !words.includes(value)) throw new TypeError(`${at} is none of ${words.join(', ')}`);
  } else if (type === 'string') {
    if (typeof value !== 'string') throw new TypeError(`${at} is not text`);
  } else if (type === 'bool') {
    if (typeof value !== 'boolean') throw new TypeError(`${at} is neither true nor false`);
  } else if (/^u?int/.test(type) && !isInteger(value)) throw new TypeError(`${at} is not a whole number`);
}

/** Google's own messages have a JSON form of their own. */
function checkInner(type: protobuf.Type, value: unknown, at: string): void {
  if (!type.fullName.startsWith('.google.protobuf.')) checkMessage(type, value, at);
}

/** A number past 2^53 has lost bytes already when JSON was read. */
function isInteger(value: unknown): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^-?\d+$/.test(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
