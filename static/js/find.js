// Find: pages, symbols, codes, and a decision by its number. The lists are read once, when it is first opened.
const MOST = 12;
let known = null; // [{name, href, kind}]
let shown = [], chosen = 0, asking = null;

const dialog = () => document.getElementById("find");

export function openFind() {
  const box = dialog();
  if (!box || box.open) return;
  if (!box.dataset.armed) arm(box);
  box.showModal();
  const field = box.querySelector("input");
  field.value = "";
  field.focus();
  if (!known) known = pages();
  if (!asking) asking = read();
  list();
}

function arm(box) {
  box.dataset.armed = "yes";
  box.querySelector("input").addEventListener("input", () => { chosen = 0; list(); });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) { event.preventDefault(); choose((chosen + step + shown.length) % shown.length); }
  });
  box.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (shown[chosen]) { box.close(); location.assign(shown[chosen].href); }
  });
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
}

function pages() {
  const kind = dialog().dataset.pages;
  return [...document.querySelectorAll(".pages a[href^='/']:not(.brand)")].map((a) => ({ name: a.textContent.trim(), href: a.getAttribute("href"), kind }));
}

async function read() {
  const { symbols, codes, lost } = dialog().dataset;
  const get = async (path) => {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.json();
  };
  try {
    const [universe, all] = await Promise.all([get("/api/v1/universe"), get("/api/v1/rejection-codes")]);
    const markets = universe.symbols.map(({ symbol }) => {
      const name = symbol.split(":")[0];
      return { name, also: name.replace("/", ""), href: `/decisions/?symbol=${name.replace("/", "")}`, kind: symbols };
    });
    known = [...known, ...markets, ...all.items.map(({ code, title }) => ({ name: code, also: title || "", href: `/decisions/?code=${code}`, kind: codes }))];
    list();
  } catch {
    asking = null; // the next opening asks again
    say(lost);
  }
}

const plain = (text) => text.toLowerCase().replace(/[\s_/]/g, "");

function rank(one, asked) {
  const name = plain(one.name);
  if (name.startsWith(asked)) return 0;
  if (name.includes(asked)) return 1;
  return plain(one.also || "").includes(asked) ? 2 : -1;
}

function list() {
  const box = dialog(), asked = plain(box.querySelector("input").value), kind = box.dataset.decision;
  shown = known.map((one) => [rank(one, asked), one]).filter(([n]) => n >= 0).sort((a, b) => a[0] - b[0]).map(([, one]) => one).slice(0, MOST);
  if (/^\d{1,18}$/.test(asked)) shown.unshift({ name: asked, href: `/decisions/${asked}/`, kind });
  box.querySelector("#found").replaceChildren(...shown.map(line));
  say(shown.length ? "" : box.dataset.none);
  choose(Math.min(chosen, Math.max(0, shown.length - 1)));
}

function line(one, i) {
  const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("span");
  item.setAttribute("role", "none");
  link.id = `found-${i}`;
  link.setAttribute("role", "option");
  link.href = one.href;
  link.tabIndex = -1;
  kind.className = "muted small";
  kind.textContent = one.kind;
  link.append(one.name, " ", kind);
  item.append(link);
  return item;
}

function choose(n) {
  chosen = n;
  const box = dialog();
  for (const [i, item] of [...box.querySelectorAll("#found a")].entries()) item.setAttribute("aria-selected", String(i === n));
  box.querySelector(`#found-${n}`)?.scrollIntoView({ block: "nearest" });
  box.querySelector("input").setAttribute("aria-activedescendant", shown.length ? `found-${n}` : "");
}

function say(text) {
  dialog().querySelector("[data-said]").textContent = text;
}
