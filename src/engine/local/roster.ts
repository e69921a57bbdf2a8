/**
 * Which workers there are: one of each number at most, those that leave, and those that were started ahead. A replacement is
 * on its way before the worker it is for leaves; a spare stands in for one that dies.
 */
import type { Deeds, StateOptions } from './deeds.js';
import { newPlace, type Place } from './place.js';
import { START_LEAD } from './policy.js';
import { NO_NUMBER, Reserve } from './reserve.js';
import { Starts } from './starts.js';

export class Roster {
  /** The current worker of each number; undefined while there is none. */
  readonly places: (Place | undefined)[];
  /** Replaced workers that still run something. */
  readonly leaving = new Set<Place>();
  readonly #reserve = new Reserve();
  readonly #starts = new Starts();
  readonly #options: StateOptions;
  readonly #deeds: Deeds;
  /** Nothing is started ahead any more. */
  #ending = false;

  constructor(options: StateOptions, deeds: Deeds) {
    this.#options = options;
    this.#deeds = deeds;
    this.places = new Array(options.workers).fill(undefined);
  }

  // ---- starts -------------------------------------------------------------------------------------------------

  /** The worker of this number is to be: one of the reserve, or a new one. */
  start(worker: number): void {
    const ahead = this.#reserve.take();
    const place = ahead ?? newPlace(worker, this.#deeds.now());
    this.places[worker] = place;
    if (ahead === undefined) return this.#deeds.start(place, this.#starts.failures(worker));
    ahead.worker = worker;
    ahead.idleSince = this.#deeds.now();
    this.#deeds.number(ahead);
  }

  /** Starts workers for so many jobs, as far as there may be more; whether any was. */
  startFor(jobs: number): boolean {
    const { tasksPerWorker } = this.#options;
    let any = false;
    for (let left = jobs; left > 0 && this.places.includes(undefined); left -= tasksPerWorker) {
      this.start(this.places.indexOf(undefined));
      any = true;
    }
    return any;
  }

  ready(place: Place): void {
    place.phase = 'ready';
    place.idleSince = this.#deeds.now();
    place.readyAt = place.idleSince;
  }

  /** It has come to run something: starting works. */
  began(place: Place): void {
    this.#starts.began(place.worker);
    if (place.fromReserve) this.#reserve.failures = 0;
  }

  /** It died before it ran anything: what of the waiting jobs is to be given up for it, if anything. */
  diedAtStart(worker: number): 'all' | 'pinned' | undefined {
    const othersWork = this.#reserve.hasReady || this.places.some((place) => place?.phase === 'ready');
    return this.#starts.died(worker, othersWork);
  }

  // ---- ends ---------------------------------------------------------------------------------------------------

  /** It is gone; true where nothing but the reserve has to be looked at for it. */
  gone(place: Place): boolean {
    place.phase = 'gone';
    this.leaving.delete(place);
    if (this.#reserve.delete(place)) {
      // Nobody waits for it: the next one comes later and later.
      this.#reserve.failures += 1;
      return true;
    }
    if (this.places[place.worker] === place) this.places[place.worker] = undefined;
    return false;
  }

  /** It takes nothing new; its number is free for another. */
  leave(place: Place): void {
    place.phase = 'retiring';
    this.leaving.add(place);
    this.places[place.worker] = undefined;
  }

  stopIfDone(place: Place): void {
    if (place.phase !== 'retiring' || place.posted.size > 0) return;
    place.phase = 'stopping';
    this.#deeds.stop(place, true);
  }

  // ---- starts ahead -------------------------------------------------------------------------------------------

  /** A worker that is gone had its replacement on the way. */
  takesOver(place: Place): boolean {
    return place.due !== undefined && !this.#ending && this.places[place.worker] === undefined;
  }

  /** It is to be replaced, as soon as another one is ready. */
  renew(place: Place): void {
    if (place.phase === 'ready' && place.worker >= 0 && !this.#ending) place.due = 'unfit';
  }

  /** It was given more to do; true where that leaves so little that its replacement is to start. */
  spend(place: Place): boolean {
    if (place.due !== undefined || !this.#isNearlySpent(place)) return false;
    place.due = 'spent';
    return true;
  }

  /** Fewer are in reserve than are to be. */
  get lacksSpares(): boolean {
    return !this.#ending && this.places.some(Boolean) && this.#reserve.size < this.#wantedInReserve();
  }

  /** Starts what is missing in reserve. */
  keepSpares(): void {
    while (this.lacksSpares) this.#startAhead();
  }

  /** No work comes any more. */
  endReserve(): void {
    this.#ending = true;
    this.#endAhead(this.#reserve.excess(0));
  }

  /** What is about to leave has its replacement on the way; what can leave, now that another one is ready. */
  renewals(): Place | undefined {
    if (this.#ending) return undefined;
    for (let missing = this.#due() - this.#reserve.size; missing > 0; missing--) this.#startAhead();
    this.#endAhead(this.#reserve.excess(this.#wantedInReserve()));
    return this.#reserve.hasReady ? this.places.find((place) => place?.due === 'unfit') : undefined;
  }

  /** An idle worker has left: with the last one goes the reserve. */
  released(): void {
    this.#endAhead(this.#reserve.excess(this.places.some(Boolean) ? this.#wantedInReserve() : 0));
  }

  #endAhead(places: readonly Place[]): void {
    for (const place of places) {
      const ready = place.phase === 'ready';
      place.phase = 'stopping';
      this.#deeds.stop(place, ready);
    }
  }

  #startAhead(): void {
    const { failures } = this.#reserve;
    const place = newPlace(NO_NUMBER, this.#deeds.now());
    place.startsLate = failures > 0;
    this.#reserve.add(place);
    this.#deeds.start(place, failures);
  }

  /** Replacements of workers that are about to leave, and spares. */
  #wantedInReserve(): number {
    return this.#due() + this.#options.spares;
  }

  #due(): number {
    return this.places.reduce((sum, place) => (place?.due === undefined ? sum : sum + 1), 0);
  }

  /** It has few tasks left: no more than it runs while another one starts. */
  #isNearlySpent(place: Place): boolean {
    const { maxTasksPerWorker } = this.#options;
    if (maxTasksPerWorker === Number.POSITIVE_INFINITY || this.#ending) return false;
    let left = maxTasksPerWorker - place.ran;
    for (const job of place.posted) left -= job.kept;
    const perMs = place.ran / Math.max(1, this.#deeds.now() - place.readyAt);
    return left <= perMs * START_LEAD;
  }
}
