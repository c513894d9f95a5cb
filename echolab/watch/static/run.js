// What is known of the run: its hosts, every packet, what was to be seen from time to time.
const ALIKE = 1e-3;  // seconds within which two runs' packets come at the same time

export class Run {
  constructor() {
    this.generation = 0;
    this.clear();
  }

  clear() {
    this.opening = { hosts: [], devices: [] };
    this.flights = new Map();
    this.sorted = [];
    this.calls = new Map();
    this.called = [];
    this.followed = false;
    this.bySort = null;
    this.looks = [];
    this.horizon = 0;
    this.certain = 0;
    this.verdict = this.error = "";
    this.interventions = [];
  }

  take(told) {
    if (told.generation !== this.generation) this.clear();
    this.generation = told.generation;
    if (told.opening) this.opening = told.opening;
    if (told.flights.length) this.bySort = null;
    for (const flight of told.flights) this.flights.set(flight.key, flight);
    if (told.flights.length) this.sorted = [...this.flights.values()].sort((a, b) => a.sent - b.sent);
    for (const { key, call } of told.calls) this.calls.set(key, call);
    if (told.calls.length) this.called = [...this.calls.values()].sort((a, b) => a.at - b.at);
    this.looks.push(...told.looks);
    for (const name of ["horizon", "certain", "verdict", "error", "interventions", "followed"]) this[name] = told[name] ?? this[name];
  }

  get over() { return Boolean(this.verdict || this.error); }

  patience() { return Math.max(0.75, this.horizon - this.certain + 0.25); }

  // The last look at or before a moment; the first where there is none before.
  look(moment) {
    let found = this.looks[0];
    for (const one of this.looks) if (one.at <= moment + 1e-9) found = one; else break;
    return found;
  }

  // When a packet is where: handed over, out, or dead on its way.
  static ends(flight) { return flight.out ?? (flight.reason ? flight.sent : Infinity); }

  // Whether this run has a packet that says the same, at the same time, with the same fate.
  has(flight) {
    if (!this.bySort) {
      this.bySort = new Map();
      for (const one of this.sorted) {
        const sort = `${one.source} ${one.network} ${one.text}`;
        if (this.bySort.has(sort)) this.bySort.get(sort).push(one); else this.bySort.set(sort, [one]);
      }
    }
    const alike = this.bySort.get(`${flight.source} ${flight.network} ${flight.text}`) ?? [];
    for (let number = place(alike, one => one.sent, flight.sent - ALIKE); number < alike.length; number += 1) {
      const one = alike[number];
      if (one.sent > flight.sent + ALIKE) return false;
      if (Boolean(one.reason) === Boolean(flight.reason) && Math.abs((one.out ?? one.sent) - (flight.out ?? flight.sent)) < ALIKE) return true;
    }
    return false;
  }

  // The place of the first packet that was handed over after a moment.
  after(moment) { return place(this.sorted, flight => flight.sent, moment); }

  // The first system call that began after a moment.
  nextCall(moment) { return this.called[place(this.called, call => call.at, moment)]; }

  // The calls that the processes of a program are in at a moment.
  inCalls(program, moment) {
    const last = new Map();
    for (let number = place(this.called, call => call.at, moment + 1e-9) - 1, seen = 0; number >= 0 && seen < 2000; number -= 1, seen += 1) {
      const call = this.called[number];
      if (call.program === program && !last.has(call.process)) last.set(call.process, call);
    }
    return [...last.values()].filter(call => call.until === null || call.until > moment);
  }
}

// The first place in a sorted list whose time is after a moment.
function place(list, time, moment) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time(list[middle]) > moment) high = middle; else low = middle + 1;
  }
  return low;
}
