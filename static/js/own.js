// Parts that belong to this address alone, such as a filtered list: when the panels they follow change, they are asked
// for anew, at most every three seconds. data-own names those panels; an empty one stands still.
import { swap } from "./swap.js";

const PAUSE = 3000;
let timer = 0, last = -PAUSE;

export function armOwn() {
  document.addEventListener("arrived", (event) => {
    if (document.querySelector(`[data-own~="${CSS.escape(event.detail)}"]`)) soon();
  });
}

function soon() {
  timer ||= setTimeout(ask, Math.max(150, last + PAUSE - performance.now()));
}

async function ask() {
  timer = 0;
  last = performance.now();
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return; // the next change asks again
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll('[data-own]:not([data-own=""])')) {
    const part = fresh.querySelector(`[data-panel="${CSS.escape(old.dataset.panel)}"][data-own]`);
    if (part && part.outerHTML !== old.outerHTML) swap(old.dataset.panel, part.outerHTML, true);
  }
}
