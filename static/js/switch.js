// The kill switch. Towards halted: at once, then a toast. Back: a dialog that asks why.
import { toast } from "./toast.js";
import { say } from "./words.js";

const ORDER = ["active", "reducing", "halted"];
let wanted = null;

export function armSwitch() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".switch button[name=state]");
    if (!button) return;
    event.preventDefault();
    choose(button.closest(".switch"), button.value);
  });
  document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.(".switch button[name=state]");
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!button || !way) return;
    event.preventDefault();
    const all = [...button.closest(".switch").querySelectorAll("button[name=state]")];
    all[(all.indexOf(button) + way + all.length) % all.length].focus();
  });
  const dialog = document.getElementById("resume");
  dialog?.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const reason = dialog.querySelector("[name=reason]").value.trim();
    if (reason) move(wanted, reason, dialog);
  });
  dialog?.querySelector("[value=stay]").addEventListener("click", () => dialog.close());
}

// What was seen when the button was pressed goes along, however long the dialog stays open.
function choose(group, to) {
  const from = group.dataset.switch;
  if (from === to) return;
  const asked = { to, shown: group.elements.shown.value };
  if (ORDER.indexOf(to) > ORDER.indexOf(from)) { move(asked, "", null); return; }
  wanted = asked;
  const dialog = document.getElementById("resume");
  const open = document.querySelectorAll('[data-panel="positions"] tbody tr').length;
  dialog.querySelector("h2").textContent = say(to === "active" ? "allow-entries" : "leave-halt");
  const consequence = [say("switch-goes", { from: say(from), to: say(to) }), say(open === 1 ? "one-open" : "many-open", { n: open })];
  if (to === "active") consequence.push(say("may-send"));
  dialog.querySelector("[data-consequence]").textContent = consequence.join(" ");
  dialog.querySelector("[value=stay]").textContent = say("stay", { state: say(from) });
  dialog.querySelector("[value=go]").textContent = say("go", { state: say(to) });
  dialog.querySelector("[name=reason]").value = "";
  dialog.querySelector(".wrong").hidden = true;
  dialog.showModal();
}

async function move({ to, shown }, reason, dialog) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
  let answer;
  try {
    answer = await fetch("/switch/", {
      method: "POST",
      headers: { "X-CSRFToken": token, Accept: "application/json" },
      body: new URLSearchParams({ state: to, reason, shown }),
    });
  } catch {
    return failed(say("switch-unreached"), dialog);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok || !ORDER.includes(said.state)) return failed(said.error?.message || say("switch-unmoved", { status: answer.status }), dialog);
  dialog?.close();
  for (const group of document.querySelectorAll("[data-switch]")) {
    group.dataset.switch = said.state;
    group.elements.shown.value = said.change;
    for (const button of group.querySelectorAll("button[name=state]")) button.setAttribute("aria-checked", String(button.value === said.state));
  }
  toast(say(`is-${said.state}`));
}

function failed(text, dialog) {
  if (!dialog) { toast(text, true); return; }
  const line = dialog.querySelector(".wrong");
  line.textContent = text;
  line.hidden = false;
}
