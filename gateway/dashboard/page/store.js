// What is known: the past as it was fetched, and what each tick adds to it. Bounded, like the gateway's own.

import { scale } from "./histogram.js";

const KEPT_S = 600;
const MOST_CALLS = 120;
const MOST_INCIDENTS = 60;

export class Store {
  constructor() {
    this.forget();
  }

  forget() {
    this.bins = new Map();
    this.calls = new Map();
    this.incidents = new Map();
    this.slots = []; // what the fleet held at each tick: only while this page looked
    this.now = null;
  }

  /** The last ten minutes, as /api/live/past.json tells them. */
  takePast(past) {
    for (const bin of past.bins) this.bins.set(bin.number, bin);
    this.#keep(past);
  }

  /** A tick. False: something was missed, or the gateway is another one, and the past is to be fetched. */
  takeTick(now) {
    const before = this.now;
    const another = before !== null && before.process !== now.process;
    if (another) this.forget();
    scale(now);
    this.now = now;
    this.skewMs = Date.parse(now.at) - now.now_s * 1000;
    for (const bin of now.bins) this.bins.set(bin.number, bin);
    const oldest = Math.floor((now.now_s - KEPT_S) / now.bin_s);
    for (const number of this.bins.keys()) if (number < oldest) this.bins.delete(number);
    this.#keep(now);
    this.slots.push(sample(now));
    while (this.slots[0].at_s < now.now_s - KEPT_S) this.slots.shift();
    return before !== null && !another && now.tick === before.tick + 1;
  }

  #keep({ calls, incidents }) {
    for (const call of calls) this.calls.set(call.id, call);
    for (const incident of incidents) this.incidents.set(incident.id, incident);
    shorten(this.calls, MOST_CALLS);
    shorten(this.incidents, MOST_INCIDENTS);
  }

  /** An instant of the gateway's clock as milliseconds of the wall clock. */
  wallMs(at_s) {
    return at_s * 1000 + this.skewMs;
  }

  /** Points in time over the last *seconds*: each {at_s, seconds, bins}, the newest perhaps not full yet. */
  points(seconds) {
    if (!this.now) return [];
    const { bin_s, now_s } = this.now;
    const each = seconds > 300 ? 2 : 1;
    const last = Math.floor(now_s / bin_s / each);
    const many = Math.round(seconds / bin_s / each);
    const began = Math.floor((now_s - this.now.up_s) / bin_s / each);
    const points = [];
    for (let number = Math.max(last - many + 1, began); number <= last; number++) {
      const bins = [];
      for (let place = 0; place < each; place++) {
        const bin = this.bins.get(number * each + place);
        if (bin) bins.push(bin);
      }
      const from_s = number * each * bin_s;
      points.push({ at_s: from_s, seconds: Math.min(each * bin_s, now_s - from_s), bins });
    }
    return points;
  }

  /** Whether any call has ever been seen. */
  get isEmpty() {
    const quiet = [...this.bins.values()].every((bin) => !Object.keys(bin.routes ?? {}).length);
    return quiet && !this.now?.endpoints.some((endpoint) => endpoint.in_flight || endpoint.samples);
  }
}

/** Of each point, what one route has, or all of them where none is named. */
export function ofRoute(bins, route, field) {
  return bins.flatMap((bin) =>
    Object.entries(bin.routes ?? {})
      .filter(([name]) => !route || name === route)
      .map(([, counted]) => counted[field]),
  );
}

/** Numbers added up; what is left out is 0. */
export const sum = (values) => values.reduce((all, value) => all + (value ?? 0), 0);

function sample(now) {
  return {
    at_s: now.now_s,
    used: sum(now.endpoints.map((endpoint) => endpoint.in_flight)),
    waiting: sum(now.endpoints.map((endpoint) => endpoint.waiting)),
    limit: now.endpoints.every((endpoint) => endpoint.limit !== null) ? sum(now.endpoints.map((endpoint) => endpoint.limit)) : null,
  };
}

function shorten(kept, most) {
  const ids = [...kept.keys()].sort((one, other) => one - other);
  for (const id of ids.slice(0, Math.max(0, ids.length - most))) kept.delete(id);
}
