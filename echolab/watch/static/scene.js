// The picture: hosts, ways, and each packet as an envelope where it is at a moment.
import { Run } from "./run.js";
import { words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const FADES = 350;  // milliseconds of wall time for which a packet is still seen where it is out
const DEAD_KEPT = 6;  // crosses that stay beside each host
const LABELS = 14;  // packets under way that have room for what stands on them
const CALLS = 2;  // names of calls above a host, of those that its programs are in
const LETTER = 8.5;  // pixels that a letter of such a name takes
const LANE = 26;  // pixels from the middle of a way to the lane of either direction

function made(name, attributes, parent, text) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  parent?.append(one);
  return one;
}

export class Scene {
  constructor(run, svg, choose) {
    this.run = run;
    this.svg = svg;
    this.choose = choose;
    this.shown = new Map();
    this.arrived = new Map();
    this.generation = 0;
    this.last = 0;
    this.chosen = null;
  }

  // The packet under way that comes after the chosen one; if none is, any that is to be seen.
  next() {
    const seen = [...this.shown.keys()].map(key => this.run.flights.get(key)).sort((a, b) => a.sent - b.sent);
    const flying = seen.filter(flight => Run.ends(flight) > this.last);
    const keys = (flying.length ? flying : seen).map(flight => flight.key);
    return keys[(keys.indexOf(this.chosen) + 1) % keys.length];
  }

  // Lay hosts out on an ellipse, each network's middle between its hosts.
  lay() {
    this.svg.replaceChildren();
    this.shown.clear();
    const { width, height } = this.svg.getBoundingClientRect();
    this.generation = this.run.generation;
    const names = this.run.opening.hosts;
    this.places = new Map();
    this.hubs = new Map();
    this.boxes = new Map();
    if (!names.length || !width) return;
    const half = Math.min(64, width / 8);
    const radius = [width / 2 - half - 12, names.length > 2 ? height / 2 - 42 : 0];
    names.forEach((name, number) => {
      const angle = Math.PI * (1 + 2 * number / names.length);
      this.places.set(name, [width / 2 - radius[0] * Math.cos(angle + Math.PI), height / 2 + radius[1] * Math.sin(angle)]);
    });
    this.ways = made("g", {}, this.svg);
    this.packets = made("g", {}, this.svg);
    this.edges = [];
    for (const network of new Set(this.run.opening.devices.map(one => one.network))) {
      const members = this.run.opening.devices.filter(one => one.network === network).map(one => one.host);
      const spots = members.map(host => this.places.get(host));
      const hub = [0, 1].map(axis => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length);
      this.hubs.set(network, hub);
      for (const host of members) {
        const [x, y] = this.places.get(host);
        this.edges.push([host, made("line", { class: "way", x1: x, y1: y, x2: hub[0], y2: hub[1] }, this.ways)]);
      }
      if (members.length > 2) made("circle", { class: "hub", cx: hub[0], cy: hub[1], r: 9 }, this.ways);
    }
    for (const name of names) {
      const [x, y] = this.places.get(name);
      const box = made("g", { class: "host", transform: `translate(${x} ${y})` }, this.svg);
      made("rect", { x: -half, y: -30, width: 2 * half, height: 60, rx: 8 }, box);
      made("text", { y: -2 }, box, name.length > half / 4.6 ? `${name.slice(0, half / 4.6 - 1)}…` : name);
      made("text", { y: -38, class: "in-call" }, box, "");
      made("text", { y: 19, class: "state" }, box, "");
      this.boxes.set(name, box);
    }
    this.half = half;
  }

  // Where a packet is when a share of its way is behind it.
  place(flight, share) {
    const from = this.places.get(flight.source), hub = this.hubs.get(flight.network);
    const to = this.places.get(flight.targets[0]) ?? hub;
    if (!from || !to) return null;
    const first = Math.hypot(hub[0] - from[0], hub[1] - from[1]) || 1;
    const second = Math.hypot(to[0] - hub[0], to[1] - hub[1]);
    const gap = this.half + 26;
    const whole = first + second;
    const along = Math.min(gap, whole / 3) + share * Math.max(0, whole - 2 * Math.min(gap, whole / 3));
    const [start, end, done, length] = along <= first ? [from, hub, along, first] : [hub, to, along - first, second || 1];
    const [dx, dy] = [(end[0] - start[0]) / length, (end[1] - start[1]) / length];
    return [start[0] + dx * done + dy * LANE, start[1] + dy * done - dx * LANE];
  }

  // Where a cross stays: beside its sender, away from the lane, the last to die next to the host.
  grave(flight, number) {
    const spot = this.place(flight, 0), start = this.places.get(flight.source);
    const hub = this.hubs.get(flight.network);
    if (!spot) return null;
    const length = Math.hypot(hub[0] - start[0], hub[1] - start[1]) || 1;
    const [dx, dy] = [(hub[0] - start[0]) / length, (hub[1] - start[1]) / length];
    const [along, aside] = [number * 24 - 14, 38];
    return [spot[0] + dx * along + dy * aside, spot[1] + dy * along - dx * aside];
  }

  // Draw one moment; whether something still fades by itself.
  draw(now, at, playing) {
    if (this.generation !== this.run.generation) this.lay();
    if (!this.boxes?.size) return false;
    this.hosts(now);
    const wanted = this.underWay(now, at, playing);
    for (const [key, group] of this.shown) if (!wanted.has(key)) { group.remove(); this.shown.delete(key); }
    const room = wanted.size <= LABELS;
    let fades = false;
    for (const [key, [flight, share, state]] of wanted) {
      const spot = state.startsWith("died") ? this.grave(flight, share) : this.place(flight, share);
      if (!spot) continue;
      const group = this.shown.get(key) ?? this.envelope(flight);
      group.setAttribute("transform", `translate(${spot[0].toFixed(1)} ${spot[1].toFixed(1)})`);
      group.setAttribute("class", `packet ${flight.kind} ${state}${key === this.chosen ? " chosen" : ""}`);
      group.lastChild.style.display = state === "died" || !(room || flight.reason) ? "none" : "";
      if (state === "over" && playing) fades = true;
    }
    this.last = now;
    return fades;
  }

  // Which packets are to be seen at a moment, each with the share of its way and what it is.
  underWay(now, at, playing) {
    const wanted = new Map(), dead = new Map();
    const { sorted } = this.run;
    const end = this.run.after(now);
    for (let place = end - 1; place >= 0 && place > end - 3000; place--) {
      const flight = sorted[place];
      const ends = Run.ends(flight);
      if (flight.reason) {
        const count = (dead.get(flight.source) ?? 0) + 1;
        dead.set(flight.source, count);
        if (count <= DEAD_KEPT) wanted.set(flight.key, [flight, count - 1, count === 1 ? "died last" : "died"]);
      } else if (now < ends) {
        const span = ends === Infinity ? Infinity : ends - flight.sent;
        wanted.set(flight.key, [flight, span === Infinity ? 0 : (now - flight.sent) / span, ""]);
      } else if (now > this.last || this.arrived.has(flight.key) || now === ends) {
        const since = this.arrived.get(flight.key) ?? (ends >= this.last || now === ends ? at : -Infinity);
        if (at - since < FADES) { this.arrived.set(flight.key, since); wanted.set(flight.key, [flight, 1, "over"]); }
        else if (!playing && now - ends < 1e-9) wanted.set(flight.key, [flight, 1, "over"]);
      }
    }
    for (const [key, since] of this.arrived) if (at - since >= FADES) this.arrived.delete(key);
    return wanted;
  }

  envelope(flight) {
    const group = made("g", { tabindex: 0, role: "button", "aria-label": `${flight.source} → ${flight.targets.join(", ")}: ${flight.text} ${flight.reason}` }, this.packets);
    if (flight.reason) {
      made("rect", { class: "target", x: -12, y: -12, width: 24, height: 24 }, group);
      made("path", { class: "cross", d: "M-8-8 8 8M8-8-8 8" }, group);
    } else {
      made("rect", { x: -17, y: -11, width: 34, height: 22, rx: 2 }, group);
      made("path", { d: "M-16-10 0 3 16-10" }, group);
    }
    made("title", {}, group, `${flight.text} ${flight.reason}`);
    const below = this.place(flight, 0)?.[1] > this.places.get(flight.source)?.[1];
    const right = this.places.get(flight.source)?.[0] > this.hubs.get(flight.network)?.[0];
    if (flight.reason) made("text", { y: below ? 26 : -15, x: right ? 12 : -12, "text-anchor": right ? "end" : "start" }, group, flight.reason);
    else made("text", { y: below ? 26 : -17, "text-anchor": "middle" }, group, flight.text);
    // The press, not the click: an envelope that is drawn anew before the release gets no click.
    group.onpointerdown = () => this.choose(flight.key);
    group.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(flight.key); } };
    this.shown.set(flight.key, group);
    return group;
  }

  // As many names as have room above a host; at least the first, cut if it must be.
  fitting(names) {
    const room = Math.floor((2 * this.half + 20) / LETTER);
    let text = names[0] ?? "";
    for (const name of names.slice(1)) if (text.length + 2 + name.length <= room) text += `, ${name}`;
    return text.length > room ? `${text.slice(0, room - 1)}…` : text;
  }

  hosts(now) {
    const look = this.run.look(now);
    if (!look) return;
    const cuts = look.faults.filter(one => ["partition", "heal"].includes(one.kind) && one.at <= now);
    const groups = cuts.at(-1)?.groups ?? [];
    for (const [name, box] of this.boxes) {
      const life = look.lives[name] ?? "running";
      box.setAttribute("class", `host ${life}`);
      box.lastChild.textContent = words[life];
      const calls = look.programs.filter(one => one.host === name).flatMap(one => this.run.inCalls(one.number, now));
      const names = new Set(calls.map(call => call.text.split("(")[0]));
      box.querySelector(".in-call").textContent = life === "running" ? this.fitting([...names].slice(0, CALLS)) : "";
    }
    for (const [host, way] of this.edges) {
      const alone = groups.some(group => group.length === 1 && group[0] === host);
      way.setAttribute("class", alone ? "way cut" : "way");
    }
  }
}
