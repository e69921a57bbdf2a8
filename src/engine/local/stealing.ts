/** What may be taken back from workers: for an idle one, and for what is more urgent. */
import type { Deeds } from './deeds.js';
import { isBurst, type Job } from './job.js';
import type { Place } from './place.js';
import { SPLIT_AFTER } from './policy.js';
import { outranks } from './queue.js';

/** A posted job that waits behind others, or one that has run for long and has items that have not started. */
export function stealable(
  places: readonly (Place | undefined)[],
  thief: Place | undefined,
  isBehind: (place: Place) => boolean,
  deeds: Pick<Deeds, 'now' | 'started'>,
): Job | undefined {
  let victim: Job | undefined;
  let most = 0;
  const now = deeds.now();
  for (const place of places) {
    if (place === undefined || place === thief || place.load <= most) continue;
    const found = shareOf(place, isBehind(place), now, deeds);
    if (found === undefined) continue;
    victim = found;
    most = place.load;
  }
  return victim;
}

/** The first job that waits there (later ones tend to be smaller), else one that has run for long. */
function shareOf(place: Place, behind: boolean, now: number, deeds: Pick<Deeds, 'started'>): Job | undefined {
  let long: Job | undefined;
  for (const job of place.posted) {
    if (job.spec.pinned >= 0 || job.kept < job.count || job.group.cancelled) continue;
    const started = deeds.started(place, job);
    if (started >= job.kept) continue;
    if (started === 0 && behind) return job;
    if (started > 0 && now - job.postedAt > SPLIT_AFTER) long = job;
  }
  return long;
}

/** Posted jobs that are less urgent than `job`: those that wait behind others, and calls that wait behind the first of theirs. */
export function* lessUrgent(
  job: Job,
  places: readonly (Place | undefined)[],
  isBehind: (place: Place) => boolean,
  deeds: Pick<Deeds, 'started'>,
): Generator<Job> {
  for (const place of places) {
    if (place?.phase !== 'ready') continue;
    for (const posted of [...place.posted]) {
      if (!outranks(job, posted) || posted.spec.pinned >= 0 || posted.kept < posted.count) continue;
      const begun = deeds.started(place, posted) > 0;
      if (begun ? isBurst(posted) : isBehind(place)) yield posted;
    }
  }
}
