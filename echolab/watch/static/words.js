// What the page says, and how it writes times.
export const words = JSON.parse(document.getElementById("words").textContent);

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const decimal = text => text.replace(".", words.decimal);

export const seconds = time => `${decimal(time.toFixed(6))} s`;

export const milliseconds = time => decimal((time * 1e3).toFixed(3));

const UNITS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];

export function short(time) {
  const [size, unit] = UNITS.find(([size]) => time >= size * 0.9995) ?? UNITS[2];
  return `${decimal(String(Number((time / size).toPrecision(2))))} ${unit}`;
}

export const pace = speed => fill(words.a_second, { time: short(speed) });

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
