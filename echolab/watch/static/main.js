// The page of a watched run: its clock, its keys, and what passes between it and its server.
import { Clock } from "./clock.js";
import { Run } from "./run.js";
import { Scene } from "./scene.js";
import { Line } from "./line.js";
import { Panels } from "./panels.js";
import { words, fill, seconds, pace } from "./words.js";

const byId = name => document.getElementById(name);
const run = new Run();
const clock = new Clock(run);
const panels = new Panels(run, byId("packet"), byId("hosts"), byId("done"), asked => "without" in asked ? ask(asked) : send(asked), () => clock.now);
const scene = new Scene(run, byId("scene"), choose);
const line = new Line(run, byId("line"), moment => { clock.goTo(moment); draw(); });

const other = new Run();
const beside = new Line(other, byId("beside"), moment => { clock.goTo(moment); draw(); });
let without = null;

const address = new URL("run", location.href);
address.protocol = "ws:";
const server = new WebSocket(address);
let wanted = -1;
let asked = 0;

server.onmessage = message => {
  const told = JSON.parse(message.data);
  if (told.refused) { byId("status").textContent = fill(words.refused, { reason: told.refused }); return; }
  const anew = told.generation !== run.generation;
  run.take(told);
  if (anew) { wanted = -1; clock.renew(); }
  compare(told);
  clock.arrived();
  status();
  draw();
};
// Show the run without one intervention below this one, if there is one, and where they differ.
function compare(told) {
  without = told.without;
  if (told.other) other.take(told.other);
  const compared = Boolean(without) && other.generation > 0;
  byId("beside-box").hidden = !compared;
  line.other = compared ? other : null;
  beside.other = compared ? run : null;
  if (compared) byId("beside-said").textContent = fill(words.beside, { deed: panels.deedSaid(without), count: differences() });
  panels.without = without;
}

// How many packets differ between the two runs as far as both are known.
function differences() {
  const end = Math.min(run.certain, other.certain);
  const lone = (one, two) => one.sorted.filter(flight => flight.sent <= end && !two.has(flight)).length;
  return lone(run, other) + lone(other, run);
}

server.onclose = () => { clock.stop(); byId("status").textContent = words.gone; draw(); };
server.onopen = () => draw();

function choose(key) { panels.choose(key); scene.chosen = key; draw(); }

function send(asked) {
  clock.stop();
  again({ ...asked, second: clock.now + run.patience() });
}

// Ask for what leaves this run as it is.
function ask(asked) {
  if (server.readyState === WebSocket.OPEN) server.send(JSON.stringify({ ...asked, second: Math.max(clock.now, run.certain) + run.patience() }));
}

// Have the run performed again from its start.
function again(asked) {
  if (server.readyState !== WebSocket.OPEN) return;
  byId("status").textContent = words.again;
  server.send(JSON.stringify(asked));
}

function status() {
  const said = run.looks.at(-1)?.said ?? [];
  byId("status").textContent = said.length ? fill(words.refused, { reason: said.join("; ") })
    : run.error ? fill(words.broke, { error: run.error })
    : run.verdict ? fill(words.ended, { verdict: run.verdict }) : "";
}

// Ask for what is needed soon, so that nobody waits for it; never twice for the same.
function wish() {
  if (server.readyState !== WebSocket.OPEN || (run.over && (!without || other.over))) return;
  const want = clock.wants() + run.patience();
  if (want > wanted) {
    wanted = want + 0.25;
    server.send(JSON.stringify({ want: wanted, generation: run.generation }));
  }
}

// Pictures are drawn only while something moves: a page whose time stands still does nothing.
function draw() {
  if (!asked) asked = requestAnimationFrame(frame);
}

function frame(at) {
  asked = 0;
  const moves = clock.tick(at);
  wish();
  byId("now").textContent = seconds(clock.now);
  byId("play").textContent = clock.playing ? words.pause : words.play;
  const fades = scene.draw(clock.now, at, clock.playing);
  line.draw(clock.now);
  if (without) { beside.span = line.span; beside.from = line.from; beside.draw(clock.now); }
  panels.draw(clock.now);
  if (moves || fades) draw();
}

function paced() {
  const power = Number(byId("pace").value);
  clock.pace = power >= 2 ? Infinity : 10 ** power;
  byId("pace-said").textContent = power >= 2 ? words.fastest : pace(clock.pace);
  draw();
}

const deeds = {
  play: () => clock.playing ? clock.stop() : clock.play(),
  "step-packet": () => clock.step(),
  "step-call": () => {
    clock.step("call");
    if (!run.followed) again({ follow: clock.now + 1 + run.patience() });
  },
  "step-ms": () => clock.goTo(clock.now + 0.001),
  back: () => clock.stepBack(),
  start: () => clock.goTo(0),
  envelope: () => { const key = scene.next(); if (key) choose(key); },
  die: () => panels.toPacket("drop_packet"),
  hold: () => panels.toPacket("delay_packet"),
};
const keys = { " ": "play", n: "step-packet", c: "step-call", m: "step-ms", p: "back", 0: "start", e: "envelope", x: "die", d: "hold" };
for (const [name, deed] of Object.entries(deeds)) if (byId(name)) byId(name).onclick = () => { deed(); draw(); };
byId("pace").oninput = paced;
addEventListener("resize", () => { scene.lay(); draw(); });
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select")) return;
  if (event.key === " " && event.target.closest("button, .packet")) return;
  if (event.key === "+" || event.key === "-") line.zoom(event.key === "+" ? 0.5 : 2);
  else if (keys[event.key]) { event.preventDefault(); deeds[keys[event.key]](); }
  else return;
  draw();
});
byId("status").textContent = words.again;
paced();
