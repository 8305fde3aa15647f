/** The stripes of a volume are among what tells it from another one of its name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, aVolumeIn, DriverBed } from '../support/driver-bed.ts';
import { sharedCeph } from '../support/shared-ceph.ts';

const STRIPES = { stripeUnit: '1Mi', stripeCount: '4' };

test('a repeated CreateVolume with other stripes is a conflict that names them, and with the same ones the same volume', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  const { parameters } = aVolumeIn(bed.cluster, pool) as { parameters: object }; // as that function makes it
  const ask = (name: string, stripes: object, more: object = {}) =>
    answerOf(bed.csi.call('CreateVolume', bed.volume(name, { parameters: { ...parameters, ...stripes }, ...more })));
  const volumeId = await bed.create('striped', { parameters: { ...parameters, ...STRIPES } });
  await bed.create('plain');
  const info = (await pool.rbdJson('info', 'striped')) as { stripe_unit: number; stripe_count: number }; // what it prints
  const restored = { volumeContentSource: { volume: { volumeId } } };

  const answers = {
    same: await ask('striped', STRIPES),
    'another unit': await ask('striped', { ...STRIPES, stripeUnit: '2Mi' }),
    'another count': await ask('striped', { ...STRIPES, stripeCount: '2' }),
    'no stripes': await ask('striped', {}),
    'stripes of a plain one': await ask('plain', STRIPES),
    'a plain one, said at length': await ask('plain', { stripeUnit: '4Mi', stripeCount: '1' }),
    'a clone': await ask('clone', {}, restored),
    'the same clone': await ask('clone', {}, restored),
    'a striped clone': await ask('striped-clone', STRIPES, restored),
    'the same striped clone': await ask('striped-clone', STRIPES, restored),
  };

  assert.deepEqual([info.stripe_unit, info.stripe_count], [2 ** 20, 4]);
  const seen = Object.entries(answers).map(([what, { status, details }]) => [
    what,
    status,
    /stripe\w+: \w+/.exec(details)?.[0] ?? '',
  ]);
  assert.deepEqual(seen, [
    ['same', 'OK', ''],
    ['another unit', 'ALREADY_EXISTS', 'stripeUnit: 1048576'],
    ['another count', 'ALREADY_EXISTS', 'stripeCount: 4'],
    ['no stripes', 'ALREADY_EXISTS', 'stripeUnit: 1048576'],
    ['stripes of a plain one', 'ALREADY_EXISTS', 'stripeUnit: 4194304'],
    ['a plain one, said at length', 'OK', ''],
    ['a clone', 'OK', ''],
    ['the same clone', 'OK', ''],
    ['a striped clone', 'OK', ''],
    ['the same striped clone', 'OK', ''],
  ]);
});

test('an image of that name with other stripes and no record of ours is not taken for one that was cut short', async () => {
  await using pool = await sharedCeph().freshNamespace();
  await using bed = await DriverBed.open(pool);
  await bed.create('first');
  const features = ['--image-feature', 'layering,exclusive-lock,object-map,fast-diff,deep-flatten'];
  await pool.rbd('create', 'theirs', '--size', '64M', ...features, '--stripe-unit', '65536', '--stripe-count', '8');

  const { status, details } = await answerOf(bed.csi.call('CreateVolume', bed.volume('theirs')));

  assert.equal(status, 'ALREADY_EXISTS', details);
  assert.match(details, /IMAGE_NOT_OURS/);
  assert.doesNotMatch(await pool.rbd('image-meta', 'list', 'theirs'), /loligo/);
});
