/**
 * What a backup program does: asks the sidecar which blocks of a snapshot differ from those of an earlier one. A program of its own, for it
 * runs in the network of the cluster. The question is its input, the extents `[[offset, size], …]` are its output, both JSON.
 */
import { readFileSync } from 'node:fs';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Question {
  /** `10.244.1.7:50051` */
  readonly address: string;
  /** What the server's certificate is for, and the certificate it is checked by (PEM). */
  readonly serverName: string;
  readonly caCert: string;
  /** The API's definition. */
  readonly proto: string;
  /** Of the service account that asks, for the driver's audience. */
  readonly token: string;
  readonly namespace: string;
  /** CSI handle of the earlier snapshot; without it all blocks with content are told. */
  readonly base?: string;
  readonly snapshot: string;
}

interface Answer {
  readonly blockMetadata: readonly { readonly byteOffset: string; readonly sizeBytes: string }[];
}

const asked = JSON.parse(readFileSync(0, 'utf8')) as Question; // written by the test alone
const { snapshotmetadata } = loadPackageDefinition(loadSync(asked.proto, { longs: String, defaults: true }));
const { SnapshotMetadata } = snapshotmetadata as unknown as { SnapshotMetadata: ServiceClientConstructor }; // as the file says
const client = new SnapshotMetadata(asked.address, credentials.createSsl(Buffer.from(asked.caCert)), {
  'grpc.ssl_target_name_override': asked.serverName,
});
const whom = { securityToken: asked.token, namespace: asked.namespace };
const [method, request] =
  asked.base === undefined
    ? ['GetMetadataAllocated', { ...whom, snapshotName: asked.snapshot }]
    : ['GetMetadataDelta', { ...whom, baseSnapshotId: asked.base, targetSnapshotName: asked.snapshot }];
const answers = client[method]?.call(client, request) as AsyncIterable<Answer>; // both methods answer by a stream
const extents: (readonly [number, number])[] = [];
for await (const { blockMetadata } of answers) {
  extents.push(...blockMetadata.map(({ byteOffset, sizeBytes }) => [Number(byteOffset), Number(sizeBytes)] as const));
}
console.log(JSON.stringify(extents));
client.close();
