import protobuf from 'protobufjs';

const HIDDEN = '***';

/**
 * A copy of a message for the log, without what the protocol marks as secret (the option `csi_secret`). It goes by the
 * descriptor, so a secret field of a later version is covered without a change here.
 */
export function redact(type: protobuf.Type, message: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value: unknown = Reflect.get(message, field.name);
    if (isEmpty(value)) continue;
    copy[field.name] = isSecret(field) ? HIDDEN : redactValue(field, value);
  }
  return copy;
}

/** Other packages than CSI's name the option with its package. */
function isSecret({ options = {} }: protobuf.Field): boolean {
  return options['(csi_secret)'] === true || options['(csi.v1.csi_secret)'] === true;
}

function redactValue(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (field.map || !(type instanceof protobuf.Type)) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => redactMessage(type, item));
  return redactMessage(type, value);
}

function redactMessage(type: protobuf.Type, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? redact(type, value) : value;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
