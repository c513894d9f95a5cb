"use strict";
(() => {
  const words = JSON.parse(document.body.dataset.words ?? "{}");
  const decimal = (figure) => figure.replace(".", words.decimal);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const svgElement = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  // Fields of what the pointer is over, or what has the focus, in one place that can be read.
  for (const story of all(".story")) {
    const fields = story.querySelector(".fields");
    for (const item of all(".packet, .syscall", story)) {
      const title = item.querySelector("title");
      const said = title.textContent;
      item.setAttribute("aria-label", said);
      title.remove();
      const show = (x, y) => {
        fields.textContent = said;
        fields.hidden = false;
        const { width, height } = fields.getBoundingClientRect();
        const below = y + 18 + height < window.innerHeight;
        fields.style.left = `${Math.max(8, Math.min(x + 14, window.innerWidth - width - 8))}px`;
        fields.style.top = `${Math.max(8, below ? y + 18 : y - height - 14)}px`;
      };
      const hide = () => { fields.hidden = true; };
      item.addEventListener("pointermove", (event) => show(event.clientX, event.clientY));
      item.addEventListener("pointerleave", hide);
      item.addEventListener("focus", () => {
        const area = item.getBoundingClientRect();
        show(area.left + area.width / 2, area.top + area.height / 2);
      });
      item.addEventListener("blur", hide);
    }

    const excerpts = all(".excerpt", story);
    const choice = story.querySelector("select");
    const choose = () => excerpts.forEach((one, place) => {
      one.hidden = choice !== null && place !== Number(choice.value);
    });
    if (choice !== null) {
      choice.addEventListener("change", choose);
      choose();
    }

    // From packet to packet, by the arrow keys or by buttons.
    const shown = () => excerpts.find((one) => !one.hidden);
    const step = (by) => {
      const packets = all(".packet", shown());
      const here = packets.indexOf(document.activeElement);
      const next = here < 0 ? (by > 0 ? 0 : packets.length - 1) : here + by;
      packets[Math.min(packets.length - 1, Math.max(0, next))]?.focus({ preventScroll: here < 0 });
    };
    const arrows = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    story.addEventListener("keydown", (event) => {
      if (event.key in arrows && event.target.closest(".scroll")) {
        event.preventDefault();
        step(arrows[event.key]);
      }
    });
    let focused = null;
    story.addEventListener("focusin", (event) => {
      if (event.target.matches(".packet")) focused = event.target;
    });
    for (const button of all("button[data-step]", story)) {
      button.hidden = false;
      button.addEventListener("click", () => {
        if (focused !== null && shown().contains(focused)) focused.focus();
        step(Number(button.dataset.step));
      });
    }

    // Envelopes along the lines: the height of the moment is the same for all that are under way.
    const player = story.querySelector("button[data-play]");
    let playing = null;
    const stop = () => {
      if (playing === null) return;
      cancelAnimationFrame(playing.frame);
      playing.layer.remove();
      playing = null;
      player.textContent = words.play;
    };
    const play = () => {
      const ladder = shown().querySelector(".ladder");
      const layer = svgElement("g", {}, ladder);
      const wide = ladder.viewBox.baseVal.width;
      const now = svgElement("line", { x1: 0, x2: wide, class: "head-of-time" }, layer);
      const flights = all(".packet", ladder).map((packet) => {
        const [x1, y1, x2, y2] = packet.dataset.way.split(" ").map(Number);
        const kind = packet.getAttribute("class").replace("packet", "envelope");
        const envelope = svgElement("g", { class: kind, visibility: "hidden" }, layer);
        svgElement("rect", { x: -10, y: -7, width: 20, height: 14, rx: 2 }, envelope);
        svgElement("path", { d: "M-10 -6L0 2L10 -6" }, envelope);
        return { x1, y1, x2, y2: Math.max(y2, y1 + 4), envelope };
      });
      const begin = Math.min(...flights.map((one) => one.y1)) - 4;
      const end = Math.max(...flights.map((one) => one.y2)) + 8;
      const began = performance.now();
      const move = (at) => {
        const y = begin + ((at - began) / 1000) * Number(player.dataset.pace || 60);
        now.setAttribute("y1", y);
        now.setAttribute("y2", y);
        for (const { x1, y1, x2, y2, envelope } of flights) {
          const share = (y - y1) / (y2 - y1);
          const flies = share >= 0 && share <= 1;
          envelope.setAttribute("visibility", flies ? "visible" : "hidden");
          if (flies) envelope.setAttribute("transform", `translate(${x1 + share * (x2 - x1)} ${y})`);
        }
        if (y > end) stop();
        else playing.frame = requestAnimationFrame(move);
      };
      playing = { layer, frame: requestAnimationFrame(move) };
      player.textContent = words.stop;
    };
    if (player !== null) {
      player.hidden = false;
      player.addEventListener("click", () => (playing === null ? play() : stop()));
    }
    if (choice !== null) choice.addEventListener("change", stop);

    let zoom = 1;
    const scale = (factor) => {
      zoom = factor === 0 ? 1 : Math.min(4, Math.max(0.4, zoom * factor));
      excerpts.forEach((one) => one.style.setProperty("--zoom", zoom.toFixed(3)));
    };
    for (const button of all("button[data-zoom]", story)) {
      button.addEventListener("click", () => scale(Number(button.dataset.zoom)));
    }
  }

  const keys = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

  // Which message the pointer is over in a strip; the arrow keys go from one to the next.
  for (const box of all(".strip-box")) {
    const picture = box.querySelector("svg");
    const readout = box.closest("figure")?.querySelector(".readout") ?? document.createElement("p");
    const { fates } = box.dataset;
    const waits = box.dataset.waits.split(",");
    const columns = Number(box.dataset.columns);
    const rows = Math.ceil(fates.length / columns);
    const { width, height } = picture.viewBox.baseVal;
    let mark = null;
    let here = -1;
    const tell = (number) => {
      const known = number >= 0 && number < fates.length;
      mark?.remove();
      mark = null;
      here = known ? number : here;
      const wait = waits[number] ? ` ${words.after.replace("{wait}", decimal(waits[number]))}` : "";
      readout.textContent = known ? `${words.message} ${number}: ${words[fates[number]]}${wait}` : "";
      if (!known) return;
      const size = { width: width / columns, height: height / rows };
      const place = { x: (number % columns) * size.width, y: Math.floor(number / columns) * size.height };
      mark = svgElement("rect", { ...place, ...size, class: "strip-mark" }, picture);
    };
    box.addEventListener("pointermove", (event) => {
      const area = picture.getBoundingClientRect();
      const column = Math.floor(((event.clientX - area.left) / area.width) * columns);
      const row = Math.floor(((event.clientY - area.top) / area.height) * rows);
      tell(column >= 0 && column < columns ? row * columns + column : -1);
    });
    box.addEventListener("pointerleave", () => tell(-1));
    box.addEventListener("blur", () => tell(-1));
    box.addEventListener("keydown", (event) => {
      if (!(event.key in keys)) return;
      event.preventDefault();
      const [across, down] = keys[event.key];
      const next = here < 0 ? 0 : here + across + down * columns;
      if (next >= 0 && next < fates.length) tell(next);
    });
  }

  // The values of a figure's lines under the pointer, or at a place that the arrow keys move.
  const axis = (text) => {
    const [low, high, start, end, kind, unit] = text.split(" ");
    const scaled = (value) => (kind === "log" ? Math.log10(value) : Number(value));
    const value = (place) => {
      const share = (place - Number(start)) / (Number(end) - Number(start));
      const found = scaled(low) + share * (scaled(high) - scaled(low));
      return kind === "log" ? 10 ** found : found;
    };
    return { start: Number(start), end: Number(end), unit, value };
  };
  const figures = (value) => decimal(Number(value.toPrecision(4)).toString());
  const steps = (path) => {  // a staircase: where it is at each of its corners
    const corners = [];
    let x = 0;
    for (const [, kind, first, second] of path.matchAll(/([MHV])([\d.]+)(?: ([\d.]+))?/g)) {
      if (kind === "H") x = Number(first);
      else if (kind === "V") corners.push([x, Number(first)]);
      else { x = Number(first); corners.push([x, Number(second)]); }
    }
    return corners;
  };
  for (const plot of all(".plot[data-x]")) {
    const readout = plot.closest("figure")?.querySelector(".readout") ?? null;
    if (readout === null) continue;
    const x = axis(plot.dataset.x);
    const y = axis(plot.dataset.y);
    const called = plot.dataset.names.split("|");
    const curves = all(".curve", plot).map((curve) => steps(curve.getAttribute("d")));
    const dots = all(".dots", plot).flatMap((one) =>
      [...one.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)h0/g)].map((dot) => [Number(dot[1]), Number(dot[2])]));
    dots.sort((one, other) => one[0] - other[0]);
    let hair = null;
    let here = null;
    const hide = () => { hair?.remove(); hair = null; readout.textContent = ""; };
    const tell = (place) => {
      hide();
      here = Math.min(x.end, Math.max(x.start, place));
      let told = [];
      if (curves.length > 0) {
        told = curves.map((corners, number) => {
          const at = corners.findLast((corner) => corner[0] <= here);
          return `${called[number]} ${figures(at ? y.value(at[1]) : 0)} ${y.unit}`;
        });
      } else if (dots.length > 0) {
        const near = dots.reduce((best, dot) => (Math.abs(dot[0] - here) < Math.abs(best[0] - here) ? dot : best));
        here = near[0];
        told = [`${called[0]} ${figures(y.value(near[1]))} ${y.unit}`];
      }
      const { height } = plot.viewBox.baseVal;
      hair = svgElement("line", { x1: here, x2: here, y1: 8, y2: height - 48, class: "crosshair" }, plot);
      readout.textContent = `${figures(x.value(here))} ${x.unit}: ${told.join(", ")}`;
    };
    plot.setAttribute("tabindex", "0");
    plot.addEventListener("pointermove", (event) => {
      const area = plot.getBoundingClientRect();
      tell(((event.clientX - area.left) / area.width) * plot.viewBox.baseVal.width);
    });
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      const by = (x.end - x.start) / 60;
      tell(here === null ? x.start : here + (event.key === "ArrowRight" ? by : -by));
    });
  }

  const copied = async (text, source) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      document.execCommand("copy");
    }
  };
  for (const button of all("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      await copied(source.textContent, source);
      const before = button.textContent;
      button.textContent = words.copied;
      setTimeout(() => { button.textContent = before; }, 1500);
    });
  }
})();
