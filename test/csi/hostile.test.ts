/** Messages from outside are hostile: each field of each RPC, by the descriptor, so that a new field is covered too. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import {
  ClusterWatch,
  controllerService,
  groupControllerService,
  identityService,
  type Node,
  nodeService,
  snapshotMetadataService,
} from '#csi';
import { requestType } from '../../src/csi/definitions.ts';
import { type Asked, Bed, bedHost, controllerOf, engineOf } from './csi-bed.ts';

interface Attack {
  readonly field: string;
  readonly what: string;
  readonly message: object;
}

const STREAMS = ['GetMetadataAllocated', 'GetMetadataDelta'];

async function everything(asked: Asked[]): Promise<Bed> {
  const host = bedHost();
  const controller = controllerOf(engineOf({}, asked));
  const watch = new ClusterWatch(controller.clusters, host.metrics.clusterUp);
  const identity = { name: 'rbd.csi.loligo.dev', version: '0', servesController: true, look: () => Promise.resolve(watch.states) };
  return await Bed.serving(
    identityService(host, identity),
    controllerService(host, controller),
    groupControllerService(host, controller),
    snapshotMetadataService(host, controller),
    nodeService(host, untouchedNode(asked)),
  );
}

/** A node whose every part notes that it was touched. */
function untouchedNode(asked: Asked[]): Node {
  const touch = (target: object, part: string | symbol): never => {
    asked.push([String(part), target]);
    throw new TypeError(`the test does not expect ${String(part)}`);
  };
  return new Proxy<Node>({} as Node, { get: touch });
}

const METHODS = [
  ...['NodeStageVolume', 'NodeUnstageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeExpandVolume'],
  ...['NodeGetVolumeStats', 'NodeGetVolumeHealth', 'NodeGetStorageHealth'],
  ...['CreateVolume', 'DeleteVolume', 'ControllerPublishVolume', 'ControllerUnpublishVolume', 'ValidateVolumeCapabilities'],
  ...['ListVolumes', 'ControllerListVolumeHealth', 'ControllerGetVolumeHealth', 'GetCapacity', 'CreateSnapshot', 'DeleteSnapshot'],
  ...['ListSnapshots', 'GetSnapshot', 'ControllerExpandVolume', 'ControllerGetVolume', 'ControllerModifyVolume'],
  ...['CreateVolumeGroupSnapshot', 'DeleteVolumeGroupSnapshot', 'GetVolumeGroupSnapshot', ...STREAMS],
];

for (const method of METHODS) {
  test(`${method} names the field that is over-long, has control characters or an unknown value, and does nothing`, async () => {
    const asked: Asked[] = [];
    await using bed = await everything(asked);
    const attacks = attacksOn(requestType(method));

    const answers = await Promise.all(attacks.map(async (attack) => ({ attack, answer: await ask(bed, method, attack.message) })));

    assert.ok(attacks.length >= 2);
    for (const { attack, answer } of answers) {
      assert.equal(answer.code, status.INVALID_ARGUMENT, `${attack.field} ${attack.what}: ${answer.details}`);
      assert.ok(answer.details.includes(attack.field), `${attack.field} ${attack.what}: ${answer.details}`);
    }
    assert.deepEqual(asked, []);
    assert.equal((await bed.call('GetPluginInfo', {})).code, status.OK);
  });
}

test('bytes that are no message are INVALID_ARGUMENT, and the process lives', async () => {
  const asked: Asked[] = [];
  await using bed = await everything(asked);
  const methods = METHODS.filter((method) => !STREAMS.includes(method));
  const malformed = [
    Buffer.from([0x0a, 0xff]),
    Buffer.from([0xff, 0xff, 0xff]),
    Buffer.from([0x0b]),
    Buffer.from([0x22, 0x05, 0x0a, 0x7f]),
  ];

  const answers = await Promise.all(methods.flatMap((method) => malformed.map((bytes) => bed.call(method, bytes))));
  const noise = await Promise.all(Array.from({ length: 100 }, () => bed.call('CreateVolume', randomBytes(200))));

  for (const { code, details } of answers) {
    assert.equal(code, status.INVALID_ARGUMENT, details);
  }
  assert.ok(noise.every(({ code }) => code === status.INVALID_ARGUMENT));
  assert.deepEqual(asked, []);
  assert.equal((await bed.call('GetPluginInfo', {})).code, status.OK);
});

test('a map whose key is __proto__ is a map with an unknown key', async () => {
  await using bed = await everything([]);
  const type = requestType('CreateVolume');
  const capability = { mount: {}, accessMode: { mode: 1 } };
  const plain = type.encode(type.fromObject({ name: 'v', volumeCapabilities: [capability] })).finish();
  const entry = Buffer.concat([Buffer.from([0x0a, 9]), Buffer.from('__proto__'), Buffer.from([0x12, 1]), Buffer.from('x')]);
  const bytes = Buffer.concat([plain, Buffer.from([0x22, entry.length]), entry]);

  const { code, details } = await bed.call('CreateVolume', bytes);

  assert.equal(code, status.INVALID_ARGUMENT, details);
  assert.equal(Reflect.get({}, 'x'), undefined);
});

/** One message for each thing that can be wrong with each field, also of the messages inside. */
function attacksOn(type: protobuf.Type, depth = 0): Attack[] {
  return type.fieldsArray.flatMap((field) => {
    const name = field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const wrap = (value: unknown): object => ({ [field.name]: field.repeated ? [value] : value });
    const resolved = field.resolvedType;
    if (field.map) return onMap(name, (map) => ({ [field.name]: map }));
    if (resolved instanceof protobuf.Enum) return [{ field: name, what: 'unknown value', message: wrap(99) }];
    if (resolved instanceof protobuf.Type && depth < 4) {
      return attacksOn(resolved, depth + 1).map((attack) => ({ ...attack, message: wrap(attack.message) }));
    }
    return field.type === 'string' ? onString(name, wrap) : [];
  });
}

function onString(field: string, wrap: (text: string) => object): Attack[] {
  return [
    { field, what: 'over-long', message: wrap('x'.repeat(5000)) },
    { field, what: 'control character', message: wrap('a\u0007b') },
    { field, what: 'NUL', message: wrap('\u0000') },
    { field, what: 'DEL', message: wrap('a\u007f') },
    { field, what: 'C1 control', message: wrap('a\u0085') },
  ];
}

function onMap(field: string, wrap: (map: object) => object): Attack[] {
  return [
    { field, what: 'over-large', message: wrap({ a: 'x'.repeat(5000) }) },
    { field, what: 'many keys', message: wrap(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key${i}`, '']))) },
    { field, what: 'control character in a value', message: wrap({ a: '\u0001' }) },
    { field, what: 'control character in a key', message: wrap({ '\n': '' }) },
  ];
}

async function ask(bed: Bed, method: string, message: object): Promise<{ code: number; details: string }> {
  if (!STREAMS.includes(method)) return await bed.call(method, message);
  return await new Promise((resolve) => {
    const stream = bed.stream(method, message);
    stream.on('data', () => {});
    stream.on('error', () => {});
    stream.on('status', resolve);
  });
}
