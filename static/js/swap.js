// Puts a new panel in the place of the old one, and keeps what is the reader's: focus, scroll, open details, selection.
import { tick } from "./ages.js";

const waiting = new Map(); // panels that a reader is busy with: name -> [html, own]

// Fill the [data-keep] places from the page's own template: what is the user's is not in the bytes that all share.
export function keepers(root) {
  const kept = document.getElementById("kept");
  if (!kept) return;
  for (const place of root.querySelectorAll("[data-keep]")) {
    const own = kept.content.querySelector(`[data-keep="${place.dataset.keep}"]`);
    if (own && !place.childElementCount) place.replaceChildren(...own.cloneNode(true).childNodes);
  }
}

// `own`: the html is of this very address; a part that is only meant for it takes no other.
export function swap(name, html, own = false) {
  if (!own) document.dispatchEvent(new CustomEvent("arrived", { detail: name }));
  const old = document.querySelector(`[data-panel="${name}"]`);
  if (!old || (old.hasAttribute("data-own") && !own)) return;
  if (busy(old)) { waiting.set(name, [html, own]); old.dataset.waiting = ""; return; }
  waiting.delete(name);
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const fresh = holder.content.firstElementChild;
  if (!fresh) return;
  const before = remember(old);
  for (const place of fresh.querySelectorAll("[data-keep]")) {
    const own = old.querySelector(`[data-keep="${place.dataset.keep}"]`);
    if (own) place.replaceWith(own);
  }
  old.replaceWith(fresh);
  document.dispatchEvent(new CustomEvent("swapped", { detail: { name, old, fresh } })); // charts move what is drawn
  restore(fresh, before);
  tick(fresh);
  if (name === "verdict") document.title = `${fresh.querySelector("h1").textContent} · Quantum`;
}

// A list under the pointer or the focus waits, and so does selected text: nothing moves away while it is read.
function busy(panel) {
  const list = panel.querySelector(".feed, .table-wrap");
  if (list?.matches(":hover")) return true;
  if (list?.matches(".feed") && list.contains(document.activeElement)) return true; // walked by j and k, or by Tab
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && panel.contains(selection.anchorNode));
}

function flush() {
  for (const [name, [html, own]] of [...waiting]) swap(name, html, own);
}
document.addEventListener("pointerout", () => setTimeout(flush, 150));
document.addEventListener("focusout", () => { if (waiting.size) setTimeout(flush, 150); });
document.addEventListener("selectionchange", () => { if (waiting.size) setTimeout(flush, 150); });

function path(node, panel) {
  const row = node.closest("[data-key]");
  if (node === row) return `[data-key="${CSS.escape(row.dataset.key)}"]`;
  const scope = row && panel.contains(row) ? `[data-key="${CSS.escape(row.dataset.key)}"] ` : "";
  const named = ["name", "value", "href"].filter((a) => node.hasAttribute(a)).map((a) => `[${a}="${CSS.escape(node.getAttribute(a))}"]`);
  return `${scope}${within(node)}${node.localName}${named.join("")}`;
}

// A control's button has no name of its own: its form says what it does, and to what.
function within(node) {
  const form = node.closest("form.control");
  if (!form) return "";
  const target = form.querySelector("[name=target]")?.value;
  const to = target === undefined ? "" : `:has([name="target"][value="${CSS.escape(target)}"])`;
  return `form.control[action="${CSS.escape(form.getAttribute("action"))}"]${to} `;
}

function remember(panel) {
  const active = document.activeElement;
  return {
    focus: active && active !== panel && panel.contains(active) ? path(active, panel) : null,
    scroll: [...panel.querySelectorAll(".table-wrap")].map((n) => [n.scrollLeft, n.scrollTop]),
    details: [...panel.querySelectorAll("details[data-key]")].map((n) => [n.dataset.key, n.open]),
    shut: [...panel.querySelectorAll("details:not([open])[data-key]")].map((n) => n.dataset.key),
  };
}

function restore(panel, before) {
  for (const [key, open] of before.details) panel.querySelector(`details[data-key="${CSS.escape(key)}"]`)?.toggleAttribute("open", open);
  for (const key of before.shut) panel.querySelector(`details[data-key="${CSS.escape(key)}"]`)?.removeAttribute("open");
  [...panel.querySelectorAll(".table-wrap")].forEach((n, i) => { if (before.scroll[i]) [n.scrollLeft, n.scrollTop] = before.scroll[i]; });
  if (before.focus) panel.querySelector(before.focus)?.focus({ preventScroll: true });
}
