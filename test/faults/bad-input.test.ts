/** Whatever comes over the socket: an answer that names the field, nothing made, and the process lives. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, makeGenericClientConstructor, status as Status } from '@grpc/grpc-js';
import { inParallel } from '#lib/in-parallel';
import { CONTROLLER, GROUP_CONTROLLER, IDENTITY, NODE, requestType, SNAPSHOT_METADATA } from '../../src/csi/definitions.ts';
import { type Answered, answerOf, DriverBed, untilOk } from '../support/driver-bed.ts';
import { leftoversAfter } from '../support/place-leftovers.ts';
import { sharedCeph } from '../support/shared-ceph.ts';
import { type Attack, attacksOn, mistypedIn } from './attacks.ts';

const BLOCK = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
const MOUNT = { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } };
const SIZE = { requiredBytes: String(2 ** 26), limitBytes: '0' };

/** Every RPC of CSI, with its path, as the protocol's descriptor has it. */
const RPCS = new Map(
  [IDENTITY, CONTROLLER, GROUP_CONTROLLER, SNAPSHOT_METADATA, NODE]
    .flatMap((service) => Object.entries(service))
    .map(([method, { path }]) => [method, path]),
);
/** Answered by a stream of messages. */
const STREAMS = ['GetMetadataAllocated', 'GetMetadataDelta'];

/** A request of each RPC with fields that would be served, on the volume `there` where it only looks, else on one that is not there. */
function validRequests(bed: DriverBed): Readonly<Record<string, object>> {
  const there = bed.handle('there');
  const gone = bed.handle('gone');
  const page = { maxEntries: 1, startingToken: '' };
  const parameters = {
    ...Reflect.get(bed.volume(''), 'parameters'),
    ...{ dataPool: bed.pool.name, objectSize: '4Mi', stripeUnit: '4Mi', stripeCount: '2', features: 'layering', flatten: 'false' },
    ...{ mapper: 'userspace', maxCloneDepth: '5', deleteRetention: '0s' },
  };
  return {
    CreateVolume: { ...bed.volume('new'), parameters, capacityRange: SIZE, mutableParameters: { maxCloneDepth: '5' } },
    DeleteVolume: { volumeId: gone },
    ControllerPublishVolume: { volumeId: gone, nodeId: 'n@127.0.0.1', volumeCapability: BLOCK },
    ControllerUnpublishVolume: { volumeId: gone, nodeId: 'n@127.0.0.1' },
    ValidateVolumeCapabilities: { volumeId: there, volumeCapabilities: [BLOCK] },
    ListVolumes: page,
    GetCapacity: { parameters, volumeCapabilities: [MOUNT] },
    CreateSnapshot: { name: 'new', sourceVolumeId: gone },
    DeleteSnapshot: { snapshotId: `${gone}@gone` },
    ListSnapshots: { ...page, sourceVolumeId: there },
    GetSnapshot: { snapshotId: `${there}@gone` },
    ControllerExpandVolume: { volumeId: there, capacityRange: SIZE, volumeCapability: MOUNT },
    ControllerGetVolume: { volumeId: there },
    ControllerModifyVolume: { volumeId: there, mutableParameters: { maxCloneDepth: '5', deleteRetention: '0s' } },
    ControllerGetVolumeHealth: { volumeId: there },
    ControllerListVolumeHealth: page,
    GetMetadataAllocated: { snapshotId: `${there}@snap`, startingOffset: '0', maxResults: 1 },
    GetMetadataDelta: {
      baseSnapshotId: `${there}@snap`,
      targetSnapshotId: `${there}@later`,
      startingOffset: '0',
      maxResults: 1,
    },
    CreateVolumeGroupSnapshot: { name: 'new', sourceVolumeIds: [gone] },
    DeleteVolumeGroupSnapshot: { groupSnapshotId: `${bed.cluster}/${bed.pool.spec}/gone` },
    GetVolumeGroupSnapshot: { groupSnapshotId: `${bed.cluster}/${bed.pool.spec}/gone` },
    NodeStageVolume: { volumeId: gone, stagingTargetPath: join(bed.driver.dir, 'stage'), volumeCapability: BLOCK },
    NodeUnstageVolume: { volumeId: gone, stagingTargetPath: join(bed.driver.dir, 'stage') },
    NodePublishVolume: {
      volumeId: gone,
      stagingTargetPath: join(bed.driver.dir, 'stage'),
      targetPath: join(bed.driver.dir, 'target'),
      volumeCapability: BLOCK,
    },
    NodeUnpublishVolume: { volumeId: gone, targetPath: join(bed.driver.dir, 'target') },
    NodeGetVolumeStats: { volumeId: gone, volumePath: join(bed.driver.dir, 'target') },
    NodeExpandVolume: { volumeId: gone, volumePath: join(bed.driver.dir, 'target'), capacityRange: SIZE },
    NodeGetStorageHealth: {},
    NodeGetVolumeHealth: { volumeId: gone, volumePath: join(bed.driver.dir, 'target') },
  };
}

/** Where any text will do, by method and field: it is answered as what is not attacked. What may come of it is looked at below. */
const FINE: readonly RegExp[] = [
  /^Create\w+ name$/,
  // What other drivers, and other versions, put there.
  /^[A-Z]\w+ (accessibility_requirements\.(requisite|preferred)\.segments|volume_context|publish_context)$/,
  // For drivers that could not find the members without.
  /^GetVolumeGroupSnapshot snapshot_ids$/,
  // Looked at once the volume is known to be on this node.
  /^Node(Expand|GetVolume)\w+ (staging_target_path|volume_publish_path|volume_capability\..*)$/,
  /^[A-Z]\w+ (capacity_range\.limit_bytes|volume_capabilit\w+\.mount\..*|starting_token|secrets)$/,
  // What cannot exist is gone already, has no snapshots and no place.
  /^(Delete|ControllerUnpublish|NodeUn)\w+ (volume_id|snapshot_ids?|node_id|group_snapshot_id)$/,
  /^ListSnapshots (source_volume_id|snapshot_id)$/,
  /^GetCapacity accessible_topology\./,
  // It says in words what it does not confirm.
  /^ValidateVolumeCapabilities /,
  // Its own notes tell what it looks at.
  /^NodeGetVolumeHealth \w+_path$/,
];

/** Refusals that are about something: nothing is going on after them. ABORTED is CSI's for a token alone. */
const REFUSALS = ['INVALID_ARGUMENT', 'NOT_FOUND', 'OUT_OF_RANGE', 'FAILED_PRECONDITION', 'UNAUTHENTICATED', 'ALREADY_EXISTS'];

/** What is named in other words: a class says mount options, and a path where nothing is is named by itself. */
const OTHER_WORDS: Readonly<Record<string, RegExp>> = { mount_flags: /: mount option "/, volume_path: / NOT_AT_PATH: .*\// };

test('every field of every RPC with every kind of bad value is answered by name, and nothing is made', async (t) => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone' });
  const { pid } = bed.driver;
  const there = await bed.create('there');
  const snapshots = [await bed.snapshot('snap', there), await bed.snapshot('later', there)];
  const usual = await askEach(bed);
  // Where a request has no fields, all that can be wrong is the bytes.
  const withFields = [...RPCS.keys()].filter((method) => requestType(method).fieldsArray.length > 0);
  assert.deepEqual(Object.keys(validRequests(bed)).sort(), withFields.sort());
  const attacks = Object.entries(validRequests(bed)).flatMap(([method, request]) => attacksOn(method, request));
  const answers: [Attack, Answered][] = [];

  await inParallel(attacks, 16, async (attack) => {
    answers.push([attack, await answerOnce(bed, attack.method, attack.request)]);
  });

  const complaints = answers.map(([attack, answer]) => complaintAbout(attack, answer, usual)).filter((text) => text !== undefined);
  t.diagnostic(`${attacks.length} attacks`);
  assert.deepEqual(complaints, []);
  assert.equal(bed.driver.pid, pid);
  await bed.csi.call('Probe', {});
  for (const [, { value }] of answers) if (value?.volume?.volumeId !== undefined) await bed.delete(value.volume.volumeId);
  await bed.delete(bed.handle('new'));
  assert.deepEqual(await pool.images(), ['there']);
  for (const snapshotId of snapshots) await untilOk(() => bed.csi.call('DeleteSnapshot', { snapshotId }));
  await bed.delete(there);
  assert.deepEqual(await leftoversAfter(pool, 30), []);
});

/** What is answered to each request when nothing is wrong with it, by method: the reason, '' for OK. */
async function askEach(bed: DriverBed): Promise<ReadonlyMap<string, string>> {
  const usual = new Map<string, string>();
  for (const [method, request] of Object.entries(validRequests(bed))) {
    usual.set(method, reasonOf(await answerOnce(bed, method, request)));
  }
  return usual;
}

/** Attacks on one volume meet: what is refused for that alone is asked again. */
async function answerOnce(bed: DriverBed, method: string, request: object): Promise<Answered> {
  const ask = STREAMS.includes(method) ? bed.csi.stream : bed.csi.call;
  for (;;) {
    const answer = await answerOf(ask(method, request));
    if (reasonOf(answer) !== 'OPERATION_PENDING') return answer;
    await sleep(20);
  }
}

/** Of `Method: CODE: REASON: text`. */
function reasonOf({ details }: Answered): string {
  return details.split(': ')[2] ?? '';
}

function complaintAbout(attack: Attack, answer: Answered, usual: ReadonlyMap<string, string>): string | undefined {
  const { method, field, key, value } = attack;
  const { status, details } = answer;
  const shown = `${method} ${field} ${key.slice(0, 40)} = ${JSON.stringify(value)?.slice(0, 40)}: ${status} ${details.slice(0, 200)}`;
  const reason = reasonOf(answer);
  // Another attack may have made it of another kind.
  const isUsual = reason === usual.get(method) || (method === 'CreateVolume' && reason === 'VOLUME_DIFFERS');
  if (status === 'OK' || (isUsual && !isNamed(attack, details))) {
    return FINE.some((fine) => fine.test(`${method} ${field}`)) ? undefined : `${shown} makes no difference`;
  }
  const isRefusal = REFUSALS.includes(status) || (status === 'ABORTED' && field === 'starting_token');
  if (!isRefusal || reason === 'UNFORESEEN') return shown;
  return isNamed(attack, details) ? undefined : `${shown} does not name the field`;
}

function isNamed({ field, key }: Attack, details: string): boolean {
  const last = field.split('.').at(-1) ?? '';
  if (new RegExp(`\\b${last}\\b`).test(details) || OTHER_WORDS[last]?.test(details)) return true;
  return details.includes(key === '' ? '""' : key);
}

test('bytes that are no message, in any RPC, are refused and the process lives', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone' });
  const client = rawClient(join(bed.driver.dir, 'csi.sock'));
  const noise = [...RPCS.values()].flatMap((path) =>
    Array.from({ length: 20 }, (_, size) => ({ path, bytes: randomBytes(1 + size * 20) })),
  );
  const codes: string[] = [];

  await inParallel(noise, 16, async ({ path, bytes }) => {
    codes.push((await client.ask(path, bytes)).code);
  });

  client.close();
  assert.deepEqual(
    codes.filter((code) => ['UNKNOWN', 'INTERNAL', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(code)),
    [],
  );
  await bed.csi.call('Probe', {});
  assert.deepEqual(await pool.images(), []);
});

test('every field of every RPC as another type of the protocol is refused by name', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool, { role: 'standalone' });
  const client = rawClient(join(bed.driver.dir, 'csi.sock'));
  const asked = Object.keys(validRequests(bed)).flatMap((method) => mistypedIn(method).map((one) => ({ method, ...one })));
  const complaints: string[] = [];

  await inParallel(asked, 16, async ({ method, field, bytes }) => {
    const { code, details } = await client.ask(RPCS.get(method) ?? '', Buffer.from(bytes));
    if (code !== 'INVALID_ARGUMENT' || !details.includes(`: ${field} `)) {
      complaints.push(`${method} ${field} ${Buffer.from(bytes).toString('hex')}: ${code} ${details}`);
    }
  });

  client.close();
  assert.ok(asked.length > 300, `${asked.length} messages`);
  assert.deepEqual(complaints, []);
  await bed.csi.call('Probe', {});
  assert.deepEqual(await pool.images(), []);
});

function rawClient(socket: string): {
  ask(method: string, bytes: Buffer): Promise<{ readonly code: string; readonly details: string }>;
  close(): void;
} {
  const Client = makeGenericClientConstructor({}, 'raw');
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    // As of a stream, for either kind of answer: what counts is the status at its end.
    ask: (method, bytes) =>
      new Promise((resolve) => {
        const call = client.makeServerStreamRequest(method, asIs, asIs, bytes, { deadline: Date.now() + 30_000 });
        call.on('data', () => undefined);
        call.on('error', () => undefined);
        call.on('status', ({ code, details }: { code: number; details: string }) =>
          resolve({ code: Status[code] ?? 'none', details }),
        );
      }),
    close: () => client.close(),
  };
}
