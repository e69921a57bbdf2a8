/**
 * How many items of its jobs a worker may begin that has no claim words in common with the pool. What has been granted cannot be
 * taken back without asking, so little is: what the worker wants to begin now, and what will have its turn within
 * `LEAD`, by what items of the same operation have cost. The rest the worker asks for when its turn has come.
 */
import { BrokenProtocol } from '../protocol/index.js';

/** How long what is granted may have to wait behind what runs, in ms. */
const LEAD = 2;
/** Weight of the newest time of an item, where it is less than was thought; what takes longer counts at once. */
const NEWEST = 1 / 4;
/** Operations whose costs are remembered. */
const MOST_COSTS = 256;
/** So many jobs are looked at for what may be granted ahead. */
const MOST_AHEAD = 256;

interface Posted {
  readonly slot: number;
  readonly operation: number;
  readonly count: number;
  granted: number;
  begun: number;
  closed: boolean;
  /** When the item that has begun last did so, in ms of the worker's clock. */
  beganAt: number;
}

export interface GrantHost {
  now(): number;
  /** So many items of the slot may begin. */
  grant(slot: number, items: number): void;
}

export class Grants {
  readonly #host: GrantHost;
  readonly #places: number;
  /** In the order in which the worker takes them. */
  readonly #posted = new Map<number, Posted>();
  readonly #costs = new Map<number, number>();
  /** Jobs of which an item has begun. */
  #running = 0;
  /** Granted and not begun. */
  #ahead = 0;
  /** What began last, and when this side heard of it. */
  #last: Posted | undefined;
  #heardAt = 0;

  /** `places`: how many jobs the worker runs at a time. */
  constructor(host: GrantHost, places: number) {
    this.#host = host;
    this.#places = places;
  }

  post(slot: number, operation: number, count: number): void {
    this.#posted.set(slot, { slot, operation, count, granted: 0, begun: 0, closed: false, beganAt: 0 });
    this.#fill();
  }

  /** Nothing more is granted; how many items were. */
  close(slot: number): number {
    const posted = this.#posted.get(slot);
    if (posted === undefined) return 0;
    posted.closed = true;
    return posted.granted;
  }

  /**
   * What had not begun of a closed job will not begin.
   * @throws BrokenProtocol, where more had begun than may have
   */
  returned(slot: number, begun: number): void {
    const posted = this.#posted.get(slot);
    if (posted === undefined) return;
    if (!posted.closed || begun < posted.begun || begun > posted.granted) {
      throw new BrokenProtocol(`it gave back what followed item ${begun} of slot ${slot}`);
    }
    this.#ahead -= posted.granted - begun;
    posted.granted = begun;
  }

  /** @throws BrokenProtocol, where it may not */
  began(slot: number, item: number, at: number): void {
    const posted = this.#posted.get(slot);
    if (posted === undefined || item !== posted.begun || item >= posted.granted) {
      throw new BrokenProtocol(`it began item ${item} of slot ${slot}, which was not its turn`);
    }
    if (!Number.isFinite(at)) throw new BrokenProtocol(`it began item ${item} of slot ${slot} at ${at}`);
    if (item > 0) this.#learn(posted.operation, at - posted.beganAt);
    else this.#running += 1;
    posted.begun += 1;
    posted.beganAt = at;
    this.#ahead -= 1;
    this.#last = posted;
    this.#heardAt = this.#host.now();
    const cost = this.#costs.get(posted.operation);
    // The next grant is to arrive before this one is used up.
    if (cost !== undefined && this.#ahead * cost <= LEAD / 2) this.#fill();
  }

  /** @throws BrokenProtocol, where it may not */
  wants(slot: number, item: number): void {
    const posted = this.#posted.get(slot);
    if (posted === undefined || item !== posted.begun || item >= posted.count) {
      throw new BrokenProtocol(`it wants item ${item} of slot ${slot}, which is not its turn`);
    }
    // Where it has been closed or granted meanwhile, word of that is on its way.
    if (!posted.closed && item >= posted.granted) this.#grant(posted, this.#fitting(posted, 0));
  }

  ended(slot: number, started: number, elapsed: number): void {
    const posted = this.#posted.get(slot);
    if (posted === undefined) return;
    this.#posted.delete(slot);
    this.#ahead -= posted.granted - posted.begun;
    if (posted.begun > 0) this.#running -= 1;
    if (this.#last === posted) this.#last = undefined;
    if (started > 0) this.#learn(posted.operation, elapsed / started);
    this.#fill();
  }

  /** Grants what will have its turn soon. */
  #fill(): void {
    if (this.#places === 1) this.#fillInOrder();
    else this.#fillPlaces();
  }

  /** Jobs that run side by side: each waits for itself, the first ones for nobody. */
  #fillPlaces(): void {
    let taken = 0;
    let looks = 0;
    for (const posted of this.#posted.values()) {
      if (taken >= this.#places || ++looks > MOST_AHEAD) return;
      if (posted.closed && posted.begun === posted.granted) continue;
      taken += 1;
      if (posted.closed || posted.granted === posted.count) continue;
      const cost = this.#costs.get(posted.operation) ?? Number.POSITIVE_INFINITY;
      const wait = posted.granted === 0 ? 0 : (posted.granted - posted.begun + 1) * cost;
      if (wait <= LEAD) this.#grant(posted, this.#fitting(posted, wait));
    }
  }

  /** Jobs that run one behind the other. */
  #fillInOrder(): void {
    let wait = this.#untilFree();
    let looks = 0;
    for (const posted of this.#posted.values()) {
      if (wait > LEAD || ++looks > MOST_AHEAD) return;
      const cost = this.#costs.get(posted.operation) ?? Number.POSITIVE_INFINITY;
      const before = posted.granted - posted.begun;
      if (before > 0) wait += before * cost;
      if (wait > LEAD || posted.closed || posted.granted === posted.count) continue;
      const more = this.#fitting(posted, wait);
      this.#grant(posted, more);
      wait += more * cost;
    }
  }

  /** How long something that is granted now waits for what runs. */
  #untilFree(): number {
    if (this.#running === 0) return 0;
    if (this.#last === undefined) return Number.POSITIVE_INFINITY;
    const cost = this.#costs.get(this.#last.operation) ?? Number.POSITIVE_INFINITY;
    return Math.max(cost, this.#host.now() - this.#heardAt);
  }

  /** How many more items may be granted of which the first has to wait so long. */
  #fitting({ operation, count, granted }: Posted, wait: number): number {
    const cost = this.#costs.get(operation) ?? Number.POSITIVE_INFINITY;
    return Math.min(count - granted, 1 + Math.floor((LEAD - wait) / cost));
  }

  #grant(posted: Posted, more: number): void {
    posted.granted += more;
    this.#ahead += more;
    this.#host.grant(posted.slot, posted.granted);
  }

  #learn(operation: number, time: number): void {
    const newest = Math.max(time, 1e-4);
    const cost = this.#costs.get(operation);
    const known = cost === undefined || newest > cost ? newest : cost + NEWEST * (newest - cost);
    this.#costs.delete(operation);
    this.#costs.set(operation, known);
    if (this.#costs.size <= MOST_COSTS) return;
    for (const oldest of this.#costs.keys()) {
      this.#costs.delete(oldest);
      return;
    }
  }
}
