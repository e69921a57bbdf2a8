/** Standard error: lines and progress, on a terminal without one tearing the other. */
import type { Progress } from '../api/index.js';
import { type ProgressBar, progressBar } from '../progress/index.js';
import type { ProgressMode } from './command-line.js';

/** Least ms between two JSON lines. */
const JSON_INTERVAL = 500;
/** A run that is over sooner has no plain line but its last. */
const QUIET_START = 1000;

export interface Reporter {
  progress(progress: Progress): void;
  line(text: string): void;
  /** Shows the last state. */
  end(): void;
}

/** `resultsShown`: results go to the same terminal, and would tear a live line. */
export function reporter(
  mode: ProgressMode,
  resultsShown: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): Reporter {
  // Nobody to tell that nobody listens.
  stream.on('error', () => {});
  const line = (text: string): void => void stream.write(`${text}\n`);
  switch (mode) {
    case 'never':
      return { progress: () => {}, line, end: () => {} };
    case 'json':
      return jsonLines(line);
    case 'auto':
      return stream.isTTY === true && !resultsShown ? liveLine(stream) : plainLines(line, plainBar(line));
    default:
      return mode satisfies never;
  }
}

function jsonLines(line: (text: string) => void): Reporter {
  let last: Progress | undefined;
  let told = Number.NEGATIVE_INFINITY;
  const tell = (progress: Progress): void => {
    told = performance.now();
    last = undefined;
    line(JSON.stringify(progress));
  };
  return {
    progress: (progress) => {
      last = progress;
      if (performance.now() - told >= JSON_INTERVAL) tell(progress);
    },
    line,
    end: () => {
      if (last !== undefined) tell(last);
    },
  };
}

function plainBar(line: (text: string) => void): ProgressBar {
  return progressBar({ stream: { write: (text: string) => line(text.trimEnd()) } });
}

function plainLines(line: (text: string) => void, bar: ProgressBar): Reporter {
  let last: Progress | undefined;
  return {
    progress: (progress) => {
      last = progress;
      if (progress.elapsed >= QUIET_START) bar(progress);
    },
    line,
    end: () => {
      if (last !== undefined) bar(last);
      bar.done();
    },
  };
}

/** Whatever else is written to the terminal goes above the line, what tasks print included. */
function liveLine(stream: NodeJS.WriteStream): Reporter {
  const write = stream.write.bind(stream);
  let drawn = '';
  const bar = progressBar({
    stream: {
      isTTY: true,
      get columns() {
        return stream.columns;
      },
      write: (text: string) => {
        drawn = text.endsWith('\n') ? '' : text;
        return write(text);
      },
    },
  });
  const above = (chunk: Uint8Array | string): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    if (drawn === '') return write(text);
    return write(`\r\x1b[K${text}${text.endsWith('\n') ? drawn : '\n'}`);
  };
  stream.write = above as typeof stream.write;
  return {
    progress: bar,
    line: (text) => void above(`${text}\n`),
    end: () => {
      bar.done();
      drawn = '';
      stream.write = write as typeof stream.write;
    },
  };
}
