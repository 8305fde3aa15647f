/** What comes from outside or from the kernel and is read by pure functions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#lib/failure';
import { readMkfsOptions } from '../../src/node/mkfs-options.ts';
import { type Address, monitorAddresses } from '../../src/node/monitors.ts';
import { mountOptions, readMountOptions } from '../../src/node/mount-options.ts';
import { mountAt, parseMounts } from '../../src/node/mount-table.ts';
import { checkPath } from '../../src/node/paths.ts';

const isInvalid = (error: unknown) => error instanceof Failure && error.kind === 'invalid';

const monitors: Record<string, readonly [string, readonly Address[]]> = {
  'an address with a port': ['10.0.0.1:6789', [{ host: '10.0.0.1', port: 6789, messenger: 1 }]],
  'both protocols of one monitor': [
    '[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]',
    [
      { host: '10.0.0.1', port: 3300, messenger: 2 },
      { host: '10.0.0.1', port: 6789, messenger: 1 },
    ],
  ],
  IPv6: ['[2001:db8::1]:3300', [{ host: '2001:db8::1', port: 3300, messenger: 2 }]],
  'IPv6 in both protocols': [
    '[v2:[fd00::1]:3300,v1:[fd00::1]:6789]',
    [
      { host: 'fd00::1', port: 3300, messenger: 2 },
      { host: 'fd00::1', port: 6789, messenger: 1 },
    ],
  ],
  'a name alone': ['mon-a', [{ host: 'mon-a', port: 6789, messenger: 1 }]],
};
for (const [name, [text, wanted]] of Object.entries(monitors)) {
  test(`monitors: ${name}`, () => assert.deepEqual(monitorAddresses([text]), wanted));
}

test('a mount path with a blank and a backslash is found, and the last mount at a path counts', () => {
  const table = parseMounts(
    [
      '36 27 7:0 / /a\\040b\\134c rw,relatime shared:1 - ext4 /dev/loop0 rw,errors=continue',
      '37 27 7:1 / /a\\040b\\134c ro,relatime - xfs /dev/loop1 ro,nouuid',
    ].join('\n'),
  );

  const mount = mountAt(table, '/a b\\c');

  assert.deepEqual([mount?.device, mount?.type, mount?.readonly, mount?.superReadonly], ['7:1', 'xfs', true, true]);
});

for (const path of ['', '/', 'a', '/a/../b', '/a//b', '/a/./b', '/a\nb', `/${'x'.repeat(256)}`, `/${'x/'.repeat(2100)}x`]) {
  test(`the path ${JSON.stringify(path.slice(0, 20))} (${path.length} characters) is refused`, () => {
    assert.throws(() => checkPath('target_path', path), isInvalid);
  });
}

test('mount options are read one by one, and a comma within quotes divides nothing', () => {
  const options = readMountOptions(['noatime,discard', 'context="system_u:object_r:container_file_t:s0:c1,c2"']);

  assert.deepEqual(options, ['noatime', 'discard', 'context="system_u:object_r:container_file_t:s0:c1,c2"']);
  assert.deepEqual(mountOptions('xfs', ['rw', 'noatime'], true), ['noatime', 'nouuid', 'ro', 'norecovery']);
  assert.deepEqual(mountOptions('ext4', ['noatime'], false), ['noatime']);
});

for (const option of [
  'bind',
  'noatime,remount',
  'loop=/dev/loop0',
  'X-mount.mkdir',
  'logdev=/dev/vda',
  '-o',
  'a"b',
  'a\nb',
  'helper=x',
  ' ',
]) {
  test(`the mount option ${JSON.stringify(option)} is refused`, () => assert.throws(() => readMountOptions([option]), isInvalid));
}

const REFUSED = {
  ext4: [
    '/dev/vda',
    '-b',
    '-b 4096 extra',
    '-q\n',
    '$(reboot)',
    '-L "a b"',
    '-d etc',
    '-detc',
    '-n',
    '-S',
    '-J device=sda',
    '-E offset=1',
    '-z undo',
  ],
  xfs: [
    '-d name=vda',
    '-dfile,name=vda',
    '-p proto',
    '-N',
    '-l logdev=vda',
    '-r rtdev=vda',
    '-c options=x',
    `-q${' -q'.repeat(64)}`,
  ],
} as const;
for (const type of ['ext4', 'xfs'] as const) {
  for (const text of REFUSED[type]) {
    test(`the mkfs options ${JSON.stringify(text.slice(0, 20))} are refused for ${type}`, () =>
      assert.throws(() => readMkfsOptions(text, type), isInvalid));
  }
}

test('mkfs options that shape the file system are passed on as they are', () => {
  const ext4 = '-b 1024 -I 512 -Elazy_itable_init=0,stride=16 -O ^has_journal -m 0 -L stories';
  const xfs = '-i size=1024 -m reflink=0 -K -d agcount=8,su=64k,sw=1';

  assert.deepEqual(readMkfsOptions(ext4, 'ext4'), ext4.split(' '));
  assert.deepEqual(readMkfsOptions(xfs, 'xfs'), xfs.split(' '));
  assert.deepEqual(readMkfsOptions('', 'xfs'), []);
});
