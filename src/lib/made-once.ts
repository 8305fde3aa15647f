/** Makes the thing of each key once, for all who ask; one that failed is made again for who asks next. */
export class MadeOnce<T> {
  readonly #made = new Map<string, Promise<T>>();

  /** What is there or in the making. */
  find(key: string): Promise<T> | undefined {
    return this.#made.get(key);
  }

  async ensure(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key);
    if (known !== undefined) return await known;
    const making = make();
    this.#made.set(key, making);
    try {
      return await making;
    } catch (error) {
      if (this.#made.get(key) === making) this.#made.delete(key);
      throw error;
    }
  }

  forget(key: string): void {
    this.#made.delete(key);
  }

  entries(): [key: string, made: Promise<T>][] {
    return [...this.#made];
  }
}
