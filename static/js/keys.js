// The keyboard: / finds, ? lists the keys, g goes to a page, j k walk the rows, [ ] turn. No single key trades.
import { openFind } from "./find.js";

const ROWS = "main .feed > li[data-key], main .lines > li[data-key], main tbody > tr[data-key]";
const GOES = 1500; // ms that the letter after g may take
let going = 0;
let at = null; // {panel, key} of the row that was walked to last

export function armKeys() {
  document.addEventListener("keydown", press);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-find]")) openFind();
    if (event.target.closest?.("[data-keys]")) showKeys();
  });
  document.addEventListener("swapped", (event) => {
    const row = at && at.panel === event.detail.name && find();
    if (row) mark(row);
  });
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing(event.target) || document.querySelector("dialog[open]")) return;
  if (going && Date.now() - going < GOES) {
    going = 0;
    const page = document.querySelector(`.pages [data-go="${CSS.escape(event.key)}"]`);
    if (page) { event.preventDefault(); location.assign(page.href); }
    return;
  }
  const act = ACTS[event.key];
  if (!act || event.repeat && !STEPS.has(event.key)) return;
  if (act(event.target) !== false) event.preventDefault();
}

const STEPS = new Set(["j", "k"]);
const ACTS = {
  "/": () => openFind(),
  "?": () => showKeys(),
  g: () => { going = Date.now(); },
  j: () => walk(1),
  k: () => walk(-1),
  "[": () => turn("prev"),
  "]": () => turn("next"),
  Enter: (target) => open(target),
};

function writing(node) {
  return node.isContentEditable || node.matches?.("input, textarea, select, [role=combobox]");
}

function showKeys() {
  document.getElementById("keys")?.showModal();
}

// -- rows --------------------------------------------------------------------------------------------------------

const rows = () => [...document.querySelectorAll(ROWS)].filter((row) => row.offsetParent !== null || row.getClientRects().length);
const panelOf = (row) => row.closest("[data-panel]")?.dataset.panel || "";

function find() {
  return at && rows().find((row) => row.dataset.key === at.key && panelOf(row) === at.panel);
}

function walk(step) {
  const all = rows();
  if (!all.length) return false;
  const here = all.indexOf(find());
  const row = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step))];
  at = { panel: panelOf(row), key: row.dataset.key };
  mark(row);
  (row.querySelector("a[href]") || row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function mark(row) {
  for (const other of document.querySelectorAll(".is-at")) other.classList.remove("is-at");
  row.classList.add("is-at");
  if (!row.querySelector("a[href]")) row.tabIndex = -1;
}

// Enter on a link or a button is the browser's own; on a row it opens the row's link.
function open(target) {
  if (target.closest?.("a, button, summary")) return false;
  const link = find()?.querySelector("a[href]");
  if (!link) return false;
  link.click();
}

function turn(way) {
  const link = document.querySelector(`main a[rel="${way}"]`);
  if (!link) return false;
  location.assign(link.href);
}
