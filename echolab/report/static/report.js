"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

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

    const stretches = all(".stretch", story);
    const choice = story.querySelector("select");
    const choose = () => stretches.forEach((one, place) => {
      one.hidden = choice !== null && place !== Number(choice.value);
    });
    if (choice !== null) {
      choice.addEventListener("change", choose);
      choose();
    }

    let zoom = 1;
    const scale = (factor) => {
      zoom = factor === 0 ? 1 : Math.min(4, Math.max(0.4, zoom * factor));
      stretches.forEach((one) => one.style.setProperty("--zoom", zoom.toFixed(3)));
    };
    for (const button of all("button[data-zoom]", story)) {
      button.addEventListener("click", () => scale(Number(button.dataset.zoom)));
    }
  }

  // Which message the pointer is over in a strip.
  const names = { a: "answered", l: "late", x: "lost", o: "out of order", t: "answered twice" };
  for (const box of all(".strip-box")) {
    const picture = box.querySelector("svg");
    const readout = box.parentElement.querySelector(".readout");
    const { fates } = box.dataset;
    const columns = Number(box.dataset.columns);
    const rows = Math.ceil(fates.length / columns);
    box.addEventListener("pointermove", (event) => {
      const area = picture.getBoundingClientRect();
      const column = Math.floor(((event.clientX - area.left) / area.width) * columns);
      const row = Math.floor(((event.clientY - area.top) / area.height) * rows);
      const number = row * columns + column;
      const known = column >= 0 && column < columns && number >= 0 && number < fates.length;
      readout.textContent = known ? `message ${number}: ${names[fates[number]]}` : "";
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
      button.textContent = "copied";
      setTimeout(() => { button.textContent = before; }, 1500);
    });
  }
})();
