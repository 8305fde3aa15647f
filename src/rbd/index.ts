/** The engine: one operation per file. Front doors import its types only (specs.ts); the operations run inside an agent. */
export type * from './specs.ts';
