/** Arguments of node: appends numbers to one file, and notes in another after each sync how many there are; the note is synced too. */
export const WRITER = [
  '--eval',
  `const { openSync, writeSync, fsyncSync } = require('node:fs');
   const [numbers, note] = process.argv.slice(1).map((path) => openSync(path, 'w'));
   for (let count = 0; ; count++) {
     writeSync(numbers, count + '\\n');
     fsyncSync(numbers);
     writeSync(note, String(count + 1), 0);
     fsyncSync(note);
   }`,
];
