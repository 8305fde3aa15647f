/** For sorting: by code units, as RADOS orders its keys and listings compare their tokens. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
