/** The host of a watcher's address: `10.0.0.5:0/123` and `[fd00::5]:0/123` without port and nonce. */
export function hostOf(address: string): string {
  const end = address.lastIndexOf(':');
  return address.slice(0, end).replace(/^(?:v[12]:)?\[?(.*?)\]?$/, '$1');
}
