// Controls: a button states its consequence in a dialog, asks why, posts, and says what the server saw.
import { now } from "./clock.js";
import { toast } from "./toast.js";

let asked = null; // the control that the dialog is about

export function armControls() {
  const dialog = document.getElementById("control");
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-control]");
    if (!button) return;
    event.preventDefault();
    if (lost()) toast(dialog.dataset.lost, true);
    else open(dialog, JSON.parse(button.dataset.control));
  });
  const form = dialog.querySelector("form");
  form.addEventListener("submit", (event) => { event.preventDefault(); press(dialog); });
  form.elements.value.addEventListener("input", () => askWhy(dialog));
  dialog.querySelector("[value=stay]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => back(dialog));
  new MutationObserver(() => disable(dialog)).observe(document.body, { attributeFilter: ["data-connection"] });
}

const lost = () => document.body.dataset.connection === "lost";

// What the page shows is kept true while it is connected; else it is as old as the page.
const asOf = () => document.body.dataset.connection === "open" ? new Date(now()).toISOString() : document.body.dataset.now;

function disable(dialog) {
  for (const button of [...document.querySelectorAll("[data-control]"), dialog.querySelector("[value=go]")]) button.disabled = lost();
}

function open(dialog, control) {
  asked = { ...control, asOf: asOf() };
  const input = dialog.querySelector("form").elements;
  dialog.querySelector("h2").textContent = control.title;
  dialog.querySelector("[data-consequence]").textContent = control.consequence;
  dialog.querySelector("[value=stay]").textContent = control.stay;
  dialog.querySelector("[value=go]").textContent = control.go;
  dialog.querySelector("[data-value]").hidden = input.value.disabled = !control.value;
  if (control.value) {
    dialog.querySelector("[data-value] span").textContent = control.value.label;
    Object.assign(input.value, { min: control.value.low, max: control.value.high, step: control.value.step, value: control.value.now });
  }
  dialog.querySelector("[data-reason]").hidden = control.reason === "none";
  input.reason.value = "";
  askWhy(dialog);
  wrong(dialog, "");
  dialog.showModal();
  if (control.value) input.value.select();
}

// A panel that was swapped meanwhile took its button with it: the focus goes to the one in its place. Until the closed
// dialog is drawn away, its own button may still have it.
function back(dialog) {
  const active = document.activeElement;
  if (!asked || (active !== document.body && !dialog.contains(active))) return;
  const same = ({ action, target }) => action === asked.action && target === asked.target;
  [...document.querySelectorAll("[data-control]")].find((button) => same(JSON.parse(button.dataset.control)))?.focus({ preventScroll: true });
}

// A reason is needed where the control says so, and where the new value loosens.
function askWhy(dialog) {
  const input = dialog.querySelector("form").elements, value = asked.value;
  const eased = value && (value.eases === "up" ? Number(input.value.value) > Number(value.now) : Number(input.value.value) < Number(value.now));
  const must = asked.reason === "required" || Boolean(eased);
  input.reason.required = must;
  dialog.querySelector("[data-must]").hidden = !must;
  dialog.querySelector("[data-may]").hidden = must;
}

async function press(dialog) {
  const input = dialog.querySelector("form").elements, go = dialog.querySelector("[value=go]");
  if (go.disabled) return;
  const body = { target: asked.target, reason: input.reason.value.trim(), shown: asked.shown, as_of: asked.asOf };
  if (asked.value) body.value = input.value.value;
  go.disabled = true;
  let answer;
  try {
    answer = await fetch(`/control/${asked.action}/`, {
      method: "POST",
      headers: { "X-CSRFToken": token(), "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return wrong(dialog, dialog.dataset.unreached);
  } finally {
    go.disabled = lost();
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) return wrong(dialog, said.error?.message || dialog.dataset.unreached);
  dialog.close();
  toast(said.message);
}

function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
}

function wrong(dialog, text) {
  const line = dialog.querySelector(".wrong");
  line.textContent = text;
  line.hidden = !text;
}
