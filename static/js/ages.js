// Ages, gauges, countdowns and the clock: all that moves by itself, once a second.
import { age, clock, now } from "./clock.js";
import { say } from "./words.js";

const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const since = (iso) => (now() - Date.parse(iso)) / 1000;

export function tick(root = document) {
  for (const node of root.querySelectorAll("[data-ago]")) set(node, age(since(node.dataset.ago)) + (node.dataset.suffix || ""));
  for (const node of root.querySelectorAll("[data-countdown]")) {
    const left = -since(node.dataset.countdown);
    set(node, left > 0 ? age(left) : say("moment"));
  }
  for (const node of root.querySelectorAll("[data-without]")) {
    set(node, `${(since(node.dataset.without) + Number(node.dataset.before || 0)).toFixed(1)}\u00a0s`);
  }
  for (const node of root.querySelectorAll(".stamp[data-as-of][data-limit]")) gauge(node);
  for (const node of root.querySelectorAll(".headline[data-as-of][data-limit]")) grow(node, node);
  if (root.matches?.(".headline[data-as-of][data-limit]")) grow(root, root); // a panel that has just come
  for (const node of root.querySelectorAll(".track[data-as-of][data-limit]")) {
    node.style.setProperty("--old", Math.min(1, since(node.dataset.asOf) / Number(node.dataset.limit)).toFixed(2));
  }
  for (const node of root.querySelectorAll(".stop[data-verified][data-limit]")) verified(node);
  for (const node of root.querySelectorAll(".data-age[data-as-of][data-limit]")) {
    node.classList.toggle("is-late", since(node.dataset.asOf) > Number(node.dataset.limit));
  }
}

// The gauge fills as the age nears its limit; the panel says fresh, ageing or stale.
function gauge(stamp) {
  const old = since(stamp.dataset.asOf), limit = Number(stamp.dataset.limit);
  stamp.querySelector("i")?.style.setProperty("--age", Math.min(1, Math.max(0, old / limit)).toFixed(2));
  const panel = stamp.closest("[data-age]");
  if (panel) grow(panel, stamp);
}

function grow(panel, { dataset }) {
  const old = since(dataset.asOf), limit = Number(dataset.limit);
  const word = old <= limit ? "fresh" : old > 3 * limit ? "stale" : "ageing";
  if (panel.dataset.age !== word) panel.dataset.age = word;
}

// Not verified is never drawn as protected: the tick turns into a triangle by itself.
function verified(stop) {
  const late = since(stop.dataset.verified) > Number(stop.dataset.limit);
  if (!late || !stop.classList.contains("is-ok")) return;
  stop.classList.replace("is-ok", "is-warn");
  const shape = stop.querySelector(".shape");
  shape.setAttribute("class", "shape warn");
  shape.querySelector("use").setAttribute("href", "#warn");
  const said = stop.querySelector(".sr");
  if (said) said.textContent = say("unconfirmed");
}

function tickClock() {
  for (const node of document.querySelectorAll(".clock")) {
    node.firstChild.textContent = `${clock(now())} `;
    node.setAttribute("datetime", new Date(now()).toISOString());
  }
}

export function tickForever() {
  const step = () => { tick(); tickClock(); };
  step();
  setInterval(step, 1000);
}
