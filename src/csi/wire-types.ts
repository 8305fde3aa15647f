/**
 * What protobufjs leaves out: it reads a field as the type that it knows, whatever type the bytes say it is, and goes on
 * in the middle of what it misread.
 */
import protobuf from 'protobufjs';
import { protocolName } from './protocol-name.ts';

/** Of the types that are no messages. */
const WIRE_TYPES: Readonly<Record<string, number>> = protobuf.types.basic;
const VARINT = 0;
const BYTES = 2;

/** The path of the first field that is of another type than the protocol's. Throws for bytes that are no message. */
export function findMistyped(type: protobuf.Type, bytes: Uint8Array): string | undefined {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    const found = field === undefined ? undefined : findIn(field, tag & 7, reader);
    if (found !== undefined) return found;
    if (field === undefined) reader.skipType(tag & 7);
  }
  return undefined;
}

/** Reads over one field. */
function findIn(field: protobuf.Field, wireType: number, reader: protobuf.Reader): string | undefined {
  const name = protocolName(field.name);
  if (wireType !== wireTypeOf(field) && !(field.repeated && wireType === BYTES)) return name;
  if (field.map) return areTexts(reader.bytes()) ? undefined : name;
  if (!(field.resolvedType instanceof protobuf.Type)) {
    reader.skipType(wireType);
    return undefined;
  }
  const inner = findMistyped(field.resolvedType, reader.bytes());
  return inner && `${name}.${inner}`;
}

function wireTypeOf(field: protobuf.Field): number {
  if (field.map) return BYTES;
  if (field.resolvedType instanceof protobuf.Enum) return VARINT;
  return WIRE_TYPES[field.type] ?? BYTES;
}

/** An entry of a map; CSI has only those from text to text. */
function areTexts(entry: Uint8Array): boolean {
  const reader = protobuf.Reader.create(entry);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) !== BYTES && tag >>> 3 <= 2) return false;
    reader.skipType(tag & 7);
  }
  return true;
}
