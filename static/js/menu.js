// The groups of pages: a press or the focus elsewhere closes an open one; Esc does too and gives its name the focus back.
const opened = () => [...document.querySelectorAll(".pages details[open]")];
const shut = (group) => { group.open = false; };

function leave(event) {
  if (!event.target.closest?.(".pages")) opened().forEach(shut);
}

export function armMenu() {
  document.addEventListener("click", leave);
  document.addEventListener("focusin", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const group of opened()) {
      if (group.contains(document.activeElement)) group.querySelector("summary").focus();
      shut(group);
    }
  });
}
