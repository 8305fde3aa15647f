/** The services as grpc-js wants them, and the message types as redaction and checks want them. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts';
import type { GroupControllerDefinition } from './generated/csi/v1/GroupController.ts';
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts';
import type { NodeDefinition } from './generated/csi/v1/Node.ts';
import type { SnapshotMetadataDefinition } from './generated/csi/v1/SnapshotMetadata.ts';
import json from './generated/descriptor.json' with { type: 'json' };
import type { IdentityDefinition as AddonsIdentityDefinition } from './generated/identity/Identity.ts';
import type { ControllerDefinition as ReplicationDefinition } from './generated/replication/Controller.ts';
import { findMistyped } from './wire-types.ts';

/** The choices that the types in generated/ were made with. */
const OPTIONS = { longs: String, enums: String, bytes: Buffer, defaults: true, oneofs: true };

const descriptor = json as unknown as protobuf.INamespace; // made by protobufjs' own toJSON

const services: Readonly<Record<string, object>> = fromJSON(descriptor, OPTIONS);
const messages = protobuf.Root.fromJSON(descriptor).resolveAll();

/** What a request becomes whose bytes are no message: the wrapper refuses it, where grpc-js would answer INTERNAL. */
export class Malformed {
  /** The path of the field that is of another type than the protocol's; '' where nothing can be read. */
  readonly field: string;

  constructor(field: string) {
    this.field = field;
  }
}

// The one place where what the descriptor says meets the types that were generated from it.
export const IDENTITY = service('csi.v1', 'Identity') as IdentityDefinition;
export const CONTROLLER = service('csi.v1', 'Controller') as ControllerDefinition;
export const GROUP_CONTROLLER = service('csi.v1', 'GroupController') as GroupControllerDefinition;
export const SNAPSHOT_METADATA = service('csi.v1', 'SnapshotMetadata') as SnapshotMetadataDefinition;
export const NODE = service('csi.v1', 'Node') as NodeDefinition;
export const ADDONS_IDENTITY = service('identity', 'Identity') as AddonsIdentityDefinition;
export const REPLICATION = service('replication', 'Controller') as ReplicationDefinition;

/**
 * The message type of a method's request; a method of another package than CSI's has that before its name. Throws `RangeError`
 * for a method that the protocol does not have.
 */
export function requestType(method: string): protobuf.Type {
  const found = messages.lookup(`${method.includes('.') ? '' : 'csi.v1.'}${method}Request`);
  if (found instanceof protobuf.Type) return found;
  throw new RangeError(`the protocol has no method ${method}`);
}

function service(packageName: string, name: string): ServiceDefinition {
  const methods = services[`${packageName}.${name}`];
  if (methods === undefined) throw new RangeError(`the protocol has no service ${name}`);
  const definition: Record<string, object> = {};
  for (const [key, method] of Object.entries(methods)) {
    definition[key] = { ...method, requestDeserialize: tolerant(requestType(`${packageName}.${key}`), method) };
  }
  return definition as ServiceDefinition; // each entry is the loader's own but for its deserialiser
}

function tolerant(
  type: protobuf.Type,
  method: { requestDeserialize(bytes: Buffer): object },
): (bytes: Buffer) => object | Malformed {
  return (bytes) => {
    try {
      const field = findMistyped(type, bytes);
      return field === undefined ? method.requestDeserialize(bytes) : new Malformed(field);
    } catch {
      return new Malformed('');
    }
  };
}
