export { formatCount, formatDuration, formatRate } from './format.js';
export { type BarStream, type ProgressBar, type ProgressBarOptions, progressBar } from './progress-bar.js';
