/** `volumeId` is `volume_id` to whoever reads the specification. */
export function protocolName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
