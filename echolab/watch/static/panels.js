// What is written beside the picture: the chosen packet, and each host's programs and sockets.
import { words, fill, element, seconds, milliseconds } from "./words.js";

const PER_ROW = 16;

function bytes(hex) {
  const rows = [];
  for (let place = 0; place < hex.length; place += PER_ROW * 2) {
    const row = hex.slice(place, place + PER_ROW * 2).match(/../g);
    const text = row.map(one => { const code = parseInt(one, 16); return code >= 32 && code < 127 ? String.fromCharCode(code) : "·"; }).join("");
    rows.push(`${(place / 2).toString(16).padStart(4, "0")}  ${row.join(" ").padEnd(PER_ROW * 3)} ${text}`);
  }
  return rows.join("\n");
}

const figure = value => String(Number(value.toPrecision(4))).replace(".", words.decimal);

function linkWords(link) {
  const said = [];
  if (link.delay) said.push(`delay=${figure(link.delay * 1e3)} ms`);
  if (link.jitter) said.push(`jitter=${figure(link.jitter * 1e3)} ms`);
  for (const name of ["loss", "duplicate", "reorder", "corrupt"]) {
    if (link[name]) said.push(`${name}=${figure(link[name] * 100)} %`);
  }
  if (link.rate) said.push(`rate=${figure(link.rate / 1e6)} Mbit/s`);
  if (link.limit) said.push(`limit=${link.limit}`);
  if (link.toward) said.push(`→ ${link.toward}`);
  return said.join(" ") || words.not_shaped;
}

// What can be done to a host that is as it is, each with what it is asked for beside it.
const DEEDS = { running: ["cut", "heal", "pause", "kill", "restart"], paused: ["resume", "kill", "restart"], dead: ["restart"] };

// The call that a process is in, and where in its program, if that is known.
const callWords = ({ text, line, file }) => fill(line ? words.in_call_at : words.in_call, { call: text, line, file });

// Texts without repetition, each with how often it was there.
function counted(texts) {
  const counts = new Map();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => count > 1 ? `${count} × ${text}` : text);
}

function deedWords(one) {
  const name = one.kind === "pause" ? "pause_host" : one.kind;
  const amount = one.kind === "loss" ? `${figure(one.amount * 100)} %` : `${figure(one.amount * 1e3)} ms`;
  return fill(words[name], { ...one, amount });
}

export class Panels {
  constructor(run, packet, hosts, done, ask, now) {
    this.run = run;
    this.packet = packet;
    this.hosts = hosts;
    this.done = done;
    this.ask = ask;
    this.now = now;
    this.listed = null;
    this.without = null;
    this.cards = new Map();
    this.chosen = null;
    this.told = null;
    this.state = "";
  }

  choose(key) { this.chosen = key; }

  draw(now) {
    this.drawPacket(now);
    this.drawHosts(now);
    this.drawDone();
  }

  deed(kind, host, more = {}) {
    const made = { kind, at: this.now(), host: kind === "heal" ? "" : host, amount: 0, target: "", text: "", network: "", packet: "", number: 0, sent: 0, since: 0, ...more };
    this.send([...this.run.interventions, made]);
  }

  deedSaid(one) { return `${seconds(one.at)}: ${deedWords(one)}`; }

  // The button that shows the run without a deed beside this one, or this one alone again.
  whatIfNot(one) {
    const shown = JSON.stringify(this.without) === JSON.stringify(one);
    return element("button", { class: "small", "aria-pressed": shown, onclick: () => this.ask({ without: shown ? null : one }) }, shown ? words.one_again : words.what_if_not);
  }

  send(interventions) { this.ask({ interventions }); }

  // Do something to the chosen packet.
  toPacket(kind) {
    if (!this.run.flights.has(this.chosen)) return;
    const wanted = Number(this.packet.querySelector("input")?.value ?? 100);
    this.ask({ packet: this.chosen, kind, at: this.now(), amount: kind === "delay_packet" ? wanted / 1e3 : 0 });
  }

  packetForms() {
    const delay = element("input", { type: "number", min: 0, step: "any", value: 100, "aria-label": words.delay_ms });
    return element("div", { class: "forms" },
      element("button", { type: "button", title: "x", onclick: () => this.toPacket("drop_packet") }, words.let_die),
      element("form", { onsubmit: event => { event.preventDefault(); this.toPacket("delay_packet"); } },
        delay, element("span", {}, "ms"), element("button", { title: "d" }, words.hold_up)));
  }

  drawDone() {
    const key = JSON.stringify([this.run.interventions, this.without]);
    if (this.listed === key) return;
    this.listed = key;
    const rows = this.run.interventions.map((one, number) => element("li", {},
      `${this.deedSaid(one)} `,
      element("button", { class: "small", onclick: () => this.send(this.run.interventions.filter((_, other) => other !== number)) }, words.undo),
      " ", this.whatIfNot(one)));
    this.done.replaceChildren(...(rows.length ? rows : [element("li", { class: "none" }, words.nothing)]));
  }

  drawPacket(now) {
    const flight = this.run.flights.get(this.chosen);
    if (!flight) return;
    const over = flight.out !== null && flight.out <= now;
    const key = `${this.run.generation} ${flight.key} ${flight.reason} ${over}`;
    if (this.told === key) return;
    this.told = key;
    const fate = flight.reason ? fill(words.died, { reason: flight.reason })
      : over ? fill(words.out, { time: seconds(flight.out).replace(" s", ""), flight: milliseconds(flight.out - flight.sent) })
      : words.under_way;
    this.packet.replaceChildren(
      element("h2", {}, `${flight.source} → ${flight.targets.join(", ") || "?"}: ${flight.text}`),
      element("p", {}, `${fill(words.sent, { time: seconds(flight.sent).replace(" s", "") })}; ${fate}`),
      ...flight.fields.map(line => element("p", {}, line)),
      ...(flight.left === null ? [] : [this.packetForms()]),
      element("pre", { class: "bytes", tabindex: 0 }, bytes(flight.data)),
    );
  }

  drawHosts(now) {
    const look = this.run.look(now);
    if (!look) return;
    const calls = new Map(look.programs.map(one => [one, counted(this.run.inCalls(one.number, now).map(callWords))]));
    const key = `${this.run.generation} ${look.at} ${[...calls.values()].join(" ")}`;
    if (this.state === key) return;
    this.calls = calls;
    this.state = key;
    const hosts = this.run.opening.hosts;
    if (this.hosts.children.length !== hosts.length) {
      this.cards = new Map(hosts.map(host => [host, [element("div"), element("div", { class: "buttons" }), this.forms(host)]]));
      this.hosts.replaceChildren(...hosts.map(host => element("article", { class: "card" }, ...this.cards.get(host))));
    }
    for (const host of hosts) {
      const [told, buttons] = this.cards.get(host);
      told.replaceChildren(...this.toldOf(host, look));
      const life = look.lives[host] ?? "running";
      if (buttons.dataset.life === life) continue;
      buttons.dataset.life = life;
      buttons.replaceChildren(...DEEDS[life].map(kind => this.button(kind, host)));
    }
  }

  button(kind, host) {
    const name = kind === "pause" ? "pause_host" : kind;
    return element("button", { onclick: () => this.deed(kind, host) }, fill(words[name], { host }));
  }

  // What needs a figure or a text: the loss and the delay of the host's link, a message.
  forms(host) {
    const loss = element("input", { type: "number", min: 0, max: 100, step: "any", value: 20, "aria-label": `${host}: ${words.loss_share}` });
    const delay = element("input", { type: "number", min: 0, step: "any", value: 100, "aria-label": `${host}: ${words.delay_ms}` });
    const text = element("input", { type: "text", value: "hello", maxlength: 200, "aria-label": `${host}: ${words.message}` });
    const others = this.run.opening.hosts.filter(other => other !== host);
    const target = element("select", { "aria-label": `${host}: ${words.to}` }, ...others.map(other => element("option", {}, other)));
    const row = (label, deed, ...fields) => element("form", { onsubmit: event => { event.preventDefault(); deed(); } }, ...fields, element("button", {}, label));
    return element("div", { class: "forms" },
      row(words.set_loss, () => this.deed("loss", host, { amount: Math.min(1, Number(loss.value) / 100) }), loss),
      row(words.set_delay, () => this.deed("delay", host, { amount: Number(delay.value) / 1e3 }), delay),
      ...(others.length ? [row(words.send_message, () => this.deed("send", host, { target: target.value, text: text.value }), text, target)] : []),
    );
  }

  toldOf(host, look) {
    const mine = list => list.filter(one => one.host === host);
    const addresses = mine(this.run.opening.devices).flatMap(one => one.addresses);
    const links = mine(look.links).map(one => linkWords(one.link));
    const programs = mine(look.programs).map(one => element("li", {}, element("code", {}, one.argv.join(" ")),
      ...(this.calls.get(one) ?? []).map(call => element("div", { class: "call" }, call))));
    const sockets = mine(look.sockets).map(one => {
      const queues = [one.unsent && fill(words.unsent, { count: one.unsent }), one.unread && fill(words.unread, { count: one.unread })];
      const ends = one.peer ? `${one.port} → ${one.peer}` : one.port;
      return element("li", {}, [`${one.protocol} ${ends} ${one.state}`, ...queues.filter(Boolean)].join(", "));
    });
    return [
      element("h2", {}, `${host}: ${words[look.lives[host]] ?? ""}`),
      element("p", { class: "hint" }, addresses.join(", ")),
      element("p", {}, links.join("; ") || words.not_shaped),
      ...(programs.length ? [element("p", { class: "hint" }, words.programs), element("ul", {}, ...programs)] : []),
      ...(sockets.length ? [element("p", { class: "hint" }, words.sockets), element("ul", {}, ...sockets)] : []),
    ];
  }
}
