/** The end of what a process has written to its stderr, for the error that tells of its death. */
const MOST_BYTES = 2048;
const MOST_LINES = 10;

export class LastLines {
  #bytes: Buffer = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#bytes, bytes.subarray(-MOST_BYTES)]);
    this.#bytes = all.subarray(-MOST_BYTES);
  }

  get text(): string {
    return this.#bytes.toString().trimEnd().split('\n').slice(-MOST_LINES).join('\n');
  }
}
