// What just happened: six seconds, at most three; a failure stays until it is dismissed.
import { say } from "./words.js";

export function toast(text, stays = false) {
  const place = document.querySelector(".toasts");
  const note = document.createElement("p");
  note.className = stays ? "toast is-fail" : "toast";
  note.textContent = text;
  if (stays) {
    const close = document.createElement("button");
    close.type = "button";
    close.className = "plain-button";
    close.textContent = say("dismiss");
    close.addEventListener("click", () => note.remove());
    note.append(" ", close);
  } else setTimeout(() => note.remove(), 6000);
  place.append(note);
  while (place.childElementCount > 3) place.firstElementChild.remove();
}
