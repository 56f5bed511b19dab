// Figures: drawn when they come near the window, in the page's own colours. A swapped panel keeps what is drawn of it.
//
// <figure class="plot" data-chart="plotly|candles" data-name="equity" data-figure="id of a JSON script" | data-src="/a/url">
//   <div class="canvas"></div> <details class="as-table">...</details>
// A drawing is {update(data), restyle(data), table() -> {heads, rows}, dispose()}.
const KINDS = { plotly: () => import("./plots.js"), candles: () => import("./candles.js") };
const MOST_ROWS = 500;
const live = new Map(); // canvas -> {drawing, text, data}
const busy = new WeakSet(); // canvases being drawn for the first time

const near = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting)) {
    near.unobserve(entry.target);
    show(entry.target);
  }
}, { rootMargin: "300px" });

function hydrate(root) {
  chosen(root);
  const figures = root.matches?.("[data-chart]") ? [root] : root.querySelectorAll("[data-chart]");
  for (const figure of figures) {
    const canvas = figure.querySelector(".canvas");
    if (!canvas) continue;
    if (live.has(canvas)) show(figure);
    else {
      state(canvas, "waiting");
      near.observe(figure);
    }
  }
}

// A page that is about one of the tabs says which.
function chosen(root) {
  const page = document.querySelector("[data-chosen]");
  const tab = page?.dataset.chosen && (root.querySelectorAll ? root : document).querySelector(`a[data-show="${CSS.escape(page.dataset.chosen)}"]`);
  const figure = (tab?.closest("[data-panel]") || page)?.querySelector('[data-panel="candles"] [data-src], [data-chart][data-src]');
  if (!page?.dataset.chosen || !figure || !page.contains(figure)) return;
  if (tab) choose(tab, figure);
  else figure.dataset.src = page.dataset.chosen;
}

async function source(figure) {
  if (figure.dataset.figure) return document.getElementById(figure.dataset.figure)?.textContent || "";
  const answer = await fetch(figure.dataset.src, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${figure.dataset.src} answered ${answer.status}`);
  return answer.text();
}

export async function show(figure) {
  const canvas = figure.querySelector(".canvas");
  if (busy.has(canvas)) return;
  busy.add(canvas);
  try {
    const asked = figure.dataset.src, version = asked && `${asked} ${figure.dataset.version}`;
    if (version && live.get(canvas)?.version === version) return; // the same picture: nothing to ask for
    const text = await source(figure);
    const known = live.get(canvas);
    if (!text || !canvas.isConnected) return;
    if (!known) {
      const data = JSON.parse(text);
      const { draw } = await KINDS[figure.dataset.chart]();
      state(canvas, "");
      live.set(canvas, { drawing: await draw(canvas, data), text, data, version });
      describe(canvas, data);
    } else {
      known.version = version;
      if (known.text !== text) {
        known.text = text;
        known.data = JSON.parse(text);
        known.drawing.update(known.data);
        describe(canvas, known.data);
      }
    }
    const now = canvas.closest("[data-chart]"); // the panel may have been swapped meanwhile, or another tab chosen
    if (now && now.dataset.src !== asked) setTimeout(() => show(now));
    fill(now?.querySelector("details.as-table[open]"));
  } catch (error) {
    if (!live.has(canvas)) state(canvas, "failed");
    console.info("a chart could not be drawn:", error.message);
  } finally {
    busy.delete(canvas);
  }
}

function state(canvas, word) {
  canvas.dataset.state = word;
  const figure = canvas.closest("[data-chart]");
  canvas.dataset.said = word === "failed" ? figure?.dataset.failed || "" : figure?.dataset.waiting || "";
}

// What a screen reader hears of it: the sentence. A chart without a single candle says so.
function describe(canvas, data) {
  const empty = data.candles?.length === 0;
  canvas.dataset.state = empty ? "empty" : "drawn";
  if (empty) canvas.dataset.said = data.words.none;
  if (data.sentence) canvas.setAttribute("aria-label", data.sentence);
  const said = canvas.closest("[data-chart]")?.querySelector("[data-sentence]");
  if (said && data.sentence && said.textContent !== data.sentence) said.textContent = data.sentence;
}

// -- the table behind the link -----------------------------------------------------------------------------------

function fill(details) {
  const canvas = details?.closest("[data-chart]")?.querySelector(".canvas");
  const known = canvas && live.get(canvas);
  if (!known) return;
  const { heads, rows } = known.drawing.table();
  const table = document.createElement("table");
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    for (const [i, text] of cells.entries()) {
      const cell = document.createElement(tag);
      cell.textContent = text ?? "";
      if (i) cell.className = "num";
      row.append(cell);
    }
    return row;
  };
  table.createTHead().append(line(heads, "th"));
  table.createTBody().append(...rows.slice(-MOST_ROWS).reverse().map((cells) => line(cells, "td")));
  const wrap = details.querySelector(".table-wrap") || details.appendChild(Object.assign(document.createElement("div"), { className: "table-wrap", tabIndex: 0 }));
  wrap.replaceChildren(table);
}
document.addEventListener("toggle", (event) => { if (event.target.matches?.("details.as-table[open]")) fill(event.target); }, true);

// A picture that still grows is asked for anew while somebody can see it: data-every is in seconds.
setInterval(() => {
  if (document.hidden) return;
  for (const figure of document.querySelectorAll("[data-chart][data-every]")) {
    const { top, bottom } = figure.getBoundingClientRect(), at = Date.now();
    if (bottom < 0 || top > innerHeight || at - (figure.dataset.askedAt || 0) < 1000 * figure.dataset.every) continue;
    figure.dataset.askedAt = figure.dataset.version = at;
    show(figure);
  }
}, 1000);

// -- panels that are swapped, tabs, themes ------------------------------------------------------------------------

document.addEventListener("swapped", (event) => {
  const { old, fresh } = event.detail;
  for (const figure of fresh.querySelectorAll("[data-chart]")) {
    const was = old.querySelector(`[data-chart][data-name="${CSS.escape(figure.dataset.name || "")}"]`);
    const canvas = was?.querySelector(".canvas");
    if (!canvas || !live.has(canvas) && !busy.has(canvas)) continue;
    keepTab(old, fresh, was, figure);
    const focused = old.contains(document.activeElement) || was.dataset.focused === "yes";
    figure.querySelector(".canvas").replaceWith(canvas);
    const sentence = figure.querySelector("[data-sentence]"), readout = figure.querySelector(".readout");
    if (sentence && figure.dataset.src) sentence.textContent = was.querySelector("[data-sentence]")?.textContent || "";
    if (readout) readout.replaceWith(was.querySelector(".readout"));
    if (focused) canvas.focus({ preventScroll: true });
  }
  for (const canvas of [...live.keys()]) {
    if (canvas.isConnected || old.isConnected) continue;
    live.get(canvas).drawing.dispose();
    live.delete(canvas);
  }
  hydrate(fresh);
});
document.addEventListener("focusin", (event) => mark(event.target, "yes"));
document.addEventListener("focusout", (event) => { if (event.target.isConnected) mark(event.target, "no"); });
function mark(node, word) {
  const figure = node.matches?.(".canvas") && node.closest("[data-chart]");
  if (figure) figure.dataset.focused = word;
}

// The reader's tab stays chosen where the fresh panel still has it.
function keepTab(old, fresh, was, figure) {
  if (!was.dataset.src || was.dataset.src === figure.dataset.src) return;
  const tab = fresh.querySelector(`[data-show][href="${CSS.escape(old.querySelector('[data-show][aria-current="true"]')?.getAttribute("href") || "")}"]`);
  if (tab) choose(tab, figure);
}

function choose(tab, figure) {
  for (const other of tab.parentElement.querySelectorAll("[data-show]")) other.removeAttribute("aria-current");
  tab.setAttribute("aria-current", "true");
  figure.dataset.src = tab.dataset.show;
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.("a[data-show]");
  const figure = tab?.closest("[data-panel]")?.querySelector("[data-chart][data-src]");
  if (!figure || tab.closest("[data-chosen]") || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  choose(tab, figure);
  show(figure);
});

function restyle() {
  for (const { drawing, data } of live.values()) drawing.restyle(data);
}
new MutationObserver(restyle).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: light)").addEventListener("change", restyle);

hydrate(document);
