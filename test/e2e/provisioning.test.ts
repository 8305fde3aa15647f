/** A claim becomes an image, a pod writes to it, and with the claim the image goes. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checksumInImage } from '../support/kubernetes/image-content.ts';
import { Loligo } from '../support/kubernetes/loligo.ts';
import { claim, pod } from '../support/kubernetes/objects.ts';
import { sharedKube } from '../support/kubernetes/shared-kube.ts';

const kube = sharedKube();
const loligo = await Loligo.install(kube);

after(() => loligo.untilEmpty());

test('a claim is bound, a pod writes, the image holds what it wrote, and with the claim the image goes', async () => {
  await using namespace = await kube.freshNamespace();
  await namespace.apply([claim('data'), pod('writer', { claims: { '/data': 'data' } })]);
  await namespace.untilReady('writer');

  await namespace.exec('writer', 'dd', 'if=/dev/urandom', 'of=/data/file', 'bs=1M', 'count=8');
  const written = (await namespace.exec('writer', 'sha256sum', '/data/file')).split(' ')[0];
  const image = await loligo.imageOf(namespace, 'data');
  await namespace.kubectl('delete', 'pod', 'writer');
  await loligo.untilUnused(image);

  assert.deepEqual(await loligo.pool.images(), [image]);
  assert.equal(await checksumInImage(loligo.pool, image, '/file'), written);
  await namespace.kubectl('delete', 'pvc', 'data');
  await loligo.untilEmpty();
});
