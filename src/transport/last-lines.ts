/** The end of what a process has written to its stderr, for the error that tells of its death. */
const MOST_BYTES = 2048;
const MOST_LINES = 10;

/** Node's last words on a fatal error; what follows is addresses in its own code. */
const LAST_WORDS = '----- Native stack trace -----';

export class LastLines {
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  add(bytes: Uint8Array): void {
    if (this.#over) return;
    let all = Buffer.concat([this.#bytes, bytes]);
    const end = all.indexOf(LAST_WORDS);
    if (end >= 0) {
      all = all.subarray(0, end);
      this.#over = true;
    }
    this.#bytes = Buffer.from(all.subarray(-MOST_BYTES));
  }

  get text(): string {
    return this.#bytes.toString().trimEnd().split('\n').slice(-MOST_LINES).join('\n');
  }
}
