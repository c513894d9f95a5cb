// The time line: a row a host, a stroke a packet, in a window around the moment that is seen.
import { decimal } from "./words.js";

const TOP = 6, BELOW = 24, LEFT = 6;

export class Line {
  constructor(run, canvas, goTo) {
    this.run = run;
    this.canvas = canvas;
    this.goTo = goTo;
    this.span = null;  // lab seconds to be seen; null for all there is
    this.from = 0;
    this.colours = new Map();
    this.other = null;  // the run that this one is compared with
    canvas.onclick = event => {
      const box = canvas.getBoundingClientRect();
      this.goTo(this.from + (event.clientX - box.left - LEFT) / (box.width - 2 * LEFT) * this.shown());
    };
    canvas.onkeydown = event => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); this.goTo(this.now + by * this.shown() / 50); }
    };
    matchMedia("(prefers-color-scheme: dark)").onchange = () => this.colours.clear();
  }

  shown() { return this.span ?? Math.max(1, this.run.certain); }

  zoom(by) {
    const span = Math.min(Math.max(1e-5, this.shown() * by), Math.max(1, this.run.certain));
    this.span = span >= Math.max(1, this.run.certain) ? null : span;
  }

  colour(name) {
    if (!this.colours.has(name)) {
      this.colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`));
    }
    return this.colours.get(name);
  }

  draw(now) {
    this.now = now;
    const { canvas, run } = this;
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const span = this.shown();
    if (this.span === null) this.from = 0;
    else if (now < this.from || now > this.from + span * 0.9) this.from = Math.max(0, now - span * 0.2);
    const x = moment => LEFT + (moment - this.from) / span * (width - 2 * LEFT);
    const hosts = run.opening.hosts, room = (height - TOP - BELOW) / Math.max(1, hosts.length);
    pen.font = "13px system-ui, sans-serif";
    hosts.forEach((host, number) => {
      pen.fillStyle = this.colour("rule");
      pen.fillRect(LEFT, TOP + (number + 1) * room - 1, width - 2 * LEFT, 1);
    });
    this.packets(pen, hosts, room, x, span);
    pen.fillStyle = this.colour("ink");
    hosts.forEach((host, number) => {
      pen.strokeStyle = this.colour("card");
      pen.lineWidth = 4;
      pen.strokeText(host, LEFT + 4, TOP + number * room + 13);
      pen.fillText(host, LEFT + 4, TOP + number * room + 13);
    });
    this.axis(pen, x, span, width, height);
    pen.fillStyle = this.colour("orange");
    pen.fillRect(x(now) - 1, 0, 2.5, height - BELOW + 4);
    canvas.setAttribute("aria-valuemax", run.certain.toFixed(3));
    canvas.setAttribute("aria-valuenow", now.toFixed(6));
    canvas.setAttribute("aria-valuetext", `${now.toFixed(6)} s`);
  }

  packets(pen, hosts, room, x, span) {
    const { run } = this;
    const row = new Map(hosts.map((host, number) => [host, number]));
    const [first, last] = [run.after(this.from - 1e-12), run.after(this.from + span)];
    const every = Math.max(1, Math.floor((last - first) / 20000));
    for (let place = first; place < last; place += 1) {
      const flight = run.sorted[place];
      if (flight.sent > run.certain) break;
      const number = row.get(flight.source);
      if (number === undefined || (every > 1 && !flight.reason && place % every)) continue;
      const at = x(flight.sent), top = TOP + number * room + room * 0.45;
      const died = Boolean(flight.reason);
      pen.fillStyle = this.colour(died ? "vermilion" : { syn: "green", fin: "purple", rst: "orange", ack: "grey", notice: "grey" }[flight.kind] ?? "blue");
      pen.fillRect(at - 0.75, died ? top - room * 0.25 : top, died ? 2.5 : 1.5, room * (died ? 0.75 : 0.5));
      if (!this.other || flight.sent > this.other.certain || this.other.has(flight)) continue;
      pen.fillStyle = this.colour("purple");
      pen.beginPath();
      pen.arc(at, top - room * 0.3, 4, 0, 7);
      pen.fill();
    }
    pen.fillStyle = this.colour("purple");
    for (const one of run.interventions) pen.fillRect(x(one.at) - 1, TOP, 2, room * hosts.length);
  }

  axis(pen, x, span, width, height) {
    const rough = span / Math.max(2, width / 120);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(by => by * power).find(size => size >= rough);
    pen.fillStyle = this.colour("muted");
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    for (let number = Math.ceil(this.from / step); number * step <= this.from + span; number += 1) {
      const at = x(number * step);
      pen.fillRect(at, height - BELOW, 1, 5);
      const text = `${decimal((number * step).toFixed(digits))} s`;
      const wide = pen.measureText(text).width;
      pen.fillText(text, Math.min(Math.max(LEFT, at - wide / 2), width - wide - LEFT), height - 5);
    }
  }
}

