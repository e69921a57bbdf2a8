/** Rates and times as people read them. */

/** `850 /s`, `12.3k/s`, `1.2M/s`; slow ones by the minute. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 0.95 || perSecond === 0) return `${formatCount(perSecond)}/s`;
  return `${formatCount(perSecond * 60)}/min`;
}

/** `7`, `999`, `12.3k`, `1.2M`, `3.4G`. */
export function formatCount(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || scaled >= 99.95 ? 0 : 1;
  return `${scaled.toFixed(digits)}${units[unit]}`;
}

/** `0:07`, `12:34`, `3:04:05`, `2d 03h`. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const seconds = total % 60;
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (hours >= 48) return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds)}`;
  return `${minutes}:${two(seconds)}`;
}
