import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import type { Progress } from '../api/index.js';
import { formatCount, formatDuration, formatRate } from './format.js';

/** What a bar needs of the stream that it is drawn on. */
export interface BarStream {
  /** True for a live line; plain lines otherwise. */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters; default 80. */
  readonly columns?: number;
  /** Takes what is drawn. */
  write(text: string): unknown;
}

/** How {@link progressBar} draws. */
export interface ProgressBarOptions {
  /** Shown before the bar. */
  readonly label?: string;
  /** Default: stderr, so that results can be piped. */
  readonly stream?: BarStream | WriteStream;
  /** Least ms between two drawings; default 100, and 5000 where there is no terminal. */
  readonly interval?: number;
}

/** An `onProgress` that draws. */
export interface ProgressBar {
  /** Draws, unless it has just done so. */
  (progress: Progress): void;
  /** Draws the last state and leaves the line. */
  done(): void;
}

const FULL = '█';
const EMPTY = '░';
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * An `onProgress` that draws one live line: share done, counts, rate, time left, busy workers. Where there is no
 * terminal it writes a plain line now and then.
 */
export function progressBar(options: ProgressBarOptions = {}): ProgressBar {
  const stream = options.stream ?? process.stderr;
  const live = stream.isTTY === true;
  const interval = options.interval ?? (live ? 100 : 5000);
  let drawn = Number.NEGATIVE_INFINITY;
  let last: Progress | undefined;
  let shown: Progress | undefined;

  const draw = (progress: Progress): void => {
    shown = progress;
    drawn = performance.now();
    if (live) stream.write(`\r${liveLine(progress, options.label, stream.columns ?? 80)}\x1b[K`);
    else stream.write(`${plainLine(progress, options.label)}\n`);
  };
  const bar = (progress: Progress): void => {
    last = progress;
    if (performance.now() - drawn >= interval) draw(progress);
  };
  const done = (): void => {
    if (last === undefined) return;
    if (shown !== last) draw(last);
    if (live) stream.write('\n');
    last = undefined;
  };
  return Object.assign(bar, { done });
}

function counts(progress: Progress): string {
  const { done, total, failed } = progress;
  const all = total === undefined ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`;
  return failed > 0 ? `${all} (${formatCount(failed)} failed)` : all;
}

function times(progress: Progress): string {
  const { remaining, elapsed, done, total } = progress;
  if (done === total || remaining === undefined) return `in ${formatDuration(elapsed)}`;
  return `${formatDuration(remaining)} left`;
}

/** Nothing until there is enough to tell it by. */
function rate(progress: Progress): string[] {
  return progress.rate === 0 ? [] : [formatRate(progress.rate)];
}

function plainLine(progress: Progress, label: string | undefined): string {
  const percent = progress.fraction === undefined ? [] : [`${Math.floor(progress.fraction * 100)} %`];
  const parts = [...percent, counts(progress), ...rate(progress), times(progress), workers(progress)];
  return `${label === undefined ? '' : `${label}: `}${parts.join(', ')}`;
}

function workers({ busy, workers: all }: Progress): string {
  return `${busy}/${all} workers busy`;
}

/** As much as fits: the bar shrinks first, then what stands at the end goes. */
function liveLine(progress: Progress, label: string | undefined, columns: number): string {
  const percent =
    progress.fraction === undefined ? '' : `${Math.floor(progress.fraction * 100)}%`.padStart(4);
  const head = label === undefined ? '' : `${label} `;
  const tail = [percent, counts(progress), ...rate(progress), times(progress), workers(progress)].filter(
    (part) => part !== '',
  );
  const room = (): number => columns - 1 - head.length - tail.join('  ').length - 2;
  while (tail.length > 1 && room() < 10) tail.pop();
  const width = Math.min(40, Math.max(0, room()));
  const text = `${head}${progress.fraction === undefined ? '' : `${pc.cyan(drawBar(progress.fraction, width))}  `}${tail.join('  ')}`;
  return text;
}

function drawBar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = Math.floor(eighths / 8);
  const part = PARTS[eighths % 8]!;
  return FULL.repeat(full) + part + EMPTY.repeat(Math.max(0, width - full - (part === '' ? 0 : 1)));
}
