// Numbers that move with the price: the server's own words, put into the row's cells.
const ARROWS = { profit: "up", loss: "down" };

export function patch(message) {
  if (message.panel === "positions") document.dispatchEvent(new CustomEvent("marks", { detail: message.rows }));
  const panel = document.querySelector(`[data-panel="${message.panel}"]`);
  if (!panel) return;
  for (const row of message.rows) {
    const line = panel.querySelector(`tr[data-key="${row.id}"]`);
    if (line) cells(line, row, message.as_of);
  }
  // the panel is as old as its oldest row: a patch that leaves some out makes it no younger
  if (message.rows.length >= panel.querySelectorAll("tbody tr").length) stamp(panel, message.as_of);
}

function cells(line, row, at) {
  for (const [name, text] of Object.entries(row.text)) {
    const cell = line.querySelector(`[data-cell="${name}"]`);
    if (!cell) continue;
    if (name === "unrealized") money(cell, text);
    else if (cell.textContent !== text) {
      cell.textContent = text;
      if (name === "mark") tint(cell); // one moving thing a row
    }
    if (name === "mark") cell.dataset.asOf = at;
  }
  const reach = line.querySelector(".reach");
  if (reach && row.stop !== null) {
    reach.style.setProperty("--stop", row.stop);
    reach.setAttribute("aria-label", row.text.reach);
  }
}

function money(cell, text) {
  if (cell.textContent.trim() === text) return;
  const kind = text.startsWith("+") ? "profit" : text.startsWith("\u2212") ? "loss" : "";
  const span = document.createElement("span");
  span.className = kind;
  if (kind) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "shape arrow");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#${ARROWS[kind]}`);
    svg.append(use);
    span.append(svg, " ");
  }
  span.append(text);
  cell.replaceChildren(span);
}

function tint(cell) {
  cell.classList.add("is-changed");
  setTimeout(() => cell.classList.remove("is-changed"), 600);
}

function stamp(panel, at) {
  const mark = panel.querySelector(".stamp");
  if (!mark) return;
  mark.dataset.asOf = at;
  const ago = mark.querySelector("[data-ago]");
  if (ago) ago.dataset.ago = at;
  const clock = [...mark.childNodes].find((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
  if (clock) clock.textContent = `${at.slice(11, 19)} `;
}
