// The reader's clock: it plays, stops and steps, never beyond what is certain.
const SAME = 5e-10;
const LONGEST = 0.1;  // seconds of wall time that one frame may stand for

export class Clock {
  constructor(run) {
    this.run = run;
    this.now = 0;
    this.pace = 0.03;
    this.playing = false;
    this.last = null;
    this.stepping = false;
    this.goal = null;
    this.what = "packet";
    this.ahead = 0;  // lab seconds beyond what is certain in which a step looks for something
  }

  play() { this.playing = true; this.stepping = false; this.last = null; }

  stop() { this.playing = this.stepping = false; this.goal = null; this.last = null; }

  goTo(moment) {
    this.stop();
    this.now = Math.max(0, moment);
    if (this.now > this.run.certain) { this.goal = this.now; this.now = this.run.certain; this.arrived(); }
  }

  // A run that is performed anew has come to this moment again.
  renew() { this.last = null; this.now = Math.min(this.now, Math.max(this.run.certain, 0)); }

  // Go to the next packet, or to the next system call.
  step(what = "packet") {
    this.stop();
    this.what = what;
    const next = this.next();
    if (next !== null) this.now = next;
    else if (this.hopes()) { this.stepping = true; this.ahead = 0; }
  }

  stepBack() {
    this.stop();
    let found = 0;
    for (const flight of this.run.sorted) {
      if (flight.sent >= this.now - SAME) break;
      found = flight.sent;
    }
    this.now = found;
  }

  // Whether what is stepped to may still become known: the run goes on, or will be followed.
  hopes() { return !this.run.over || (this.what === "call" && !this.run.followed); }

  // The next moment at which a packet is handed over, or a call begins.
  next() {
    if (this.what === "call") {
      const call = this.run.nextCall(this.now + SAME);
      return call && call.at <= this.run.certain ? call.at : null;
    }
    const found = this.run.sorted[this.run.after(this.now + SAME)];
    return found && found.sent <= this.run.certain ? found.sent : null;
  }

  // More is known: a step or a jump that waited for it goes on.
  arrived() {
    if (this.stepping) {
      const next = this.next();
      if (next !== null) { this.now = next; this.stepping = false; }
      else if (!this.hopes()) this.stepping = false;
      else if (this.run.certain > this.now) {
        this.now = this.run.certain;
        this.ahead = Math.min(4, 2 * this.ahead + 0.25);
      }
    }
    if (this.goal !== null) {
      this.now = Math.min(this.goal, Math.max(this.run.certain, this.now));
      if (this.goal <= this.run.certain || this.run.over) this.goal = null;
    }
  }

  // The lab second up to which all should be known soon.
  wants() {
    if (this.goal !== null) return this.goal;
    if (this.stepping) return this.now + this.ahead;
    if (!this.playing) return this.now;
    return this.now + Math.min(10, Math.max(0.25, 2 * this.pace));
  }

  // Go on by what has passed; whether there is more to come.
  tick(at) {
    if (!this.playing) { this.last = null; return false; }
    const passed = this.last === null ? 0 : Math.min(LONGEST, (at - this.last) / 1e3);
    this.last = at;
    const end = Math.max(this.now, this.run.certain);
    this.now = this.pace === Infinity ? end : Math.min(end, this.now + passed * this.pace);
    if (this.run.over && this.now >= this.run.certain) { this.playing = false; return false; }
    return true;
  }
}
