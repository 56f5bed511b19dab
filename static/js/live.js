// The live channel: one socket, whole panels and patches; says within three seconds that it is lost, and comes back.
import { age, clock, now } from "./clock.js";
import { patch } from "./patch.js";
import { swap } from "./swap.js";
import { say } from "./words.js";

const SILENCE = 2600; // the server speaks at least once a second
const PONG = 4000; // a ping is answered as seldom as that, unless the server waits for it
const body = document.body;
let seq = Number(body.dataset.seq || 0);
let socket = null, build = null, attempts = 0, heard = 0, ponged = 0, lostAt = 0, lastData = "", stopped = "";
const newest = new Map(); // panel -> seq of what is shown

export function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const shown = [...document.querySelectorAll("[data-panel]")].map((panel) => panel.dataset.panel);
  const asked = `panels=${[...new Set(shown)].join(",")}&language=${document.documentElement.lang}`;
  socket = new WebSocket(`${scheme}://${location.host}/ws/live/?${asked}`);
  heard = now();
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = (event) => closed(event.code);
}

function hear(message) {
  heard = now();
  if (message.type === "ping" && (message.now || now() - ponged > PONG)) { ponged = now(); socket.send('{"type":"pong"}'); }
  if (message.type === "hello") return greeted(message);
  if (message.type !== "panel" && message.type !== "patch") return;
  seq = Math.max(seq, message.seq);
  lastData = clock(now());
  const key = `${message.type}:${message.panel}`;
  if (message.seq <= (newest.get(key) || 0)) return;
  newest.set(key, message.seq);
  if (message.type === "panel") swap(message.panel, message.html);
  else patch(message);
}

function greeted(hello) {
  if (build !== null && build !== hello.build) { location.reload(); return; }
  build = hello.build;
  attempts = 0;
  lostAt = 0;
  socket.send(JSON.stringify({ type: "resume", seq }));
  if (hello.seq < seq) { newest.clear(); seq = 0; } // another process, which counts from elsewhere
  show("open");
}

function closed(code) {
  socket = null;
  if (code === 4401) { location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`); return; }
  if (code === 4403) { stopped = say("no-watching"); show("lost"); return; }
  if (!lostAt) lostAt = now();
  const longest = code === 4029 ? 30000 : Math.min(5000, 400 * 2 ** attempts++);
  setTimeout(connect, 100 + Math.random() * longest);
}

// Half-open sockets don't close by themselves: silence is a loss too.
function watch() {
  if (stopped) return show("lost");
  if (socket && now() - heard > SILENCE) {
    if (!lostAt) lostAt = heard;
    const dead = socket;
    dead.onmessage = dead.onclose = null;
    dead.close();
    closed(1006);
  }
  if (lostAt && now() - lostAt > 900) show("lost");
}
setInterval(watch, 400);

const STATES = { open: ["ok", "connected"], waiting: ["unknown", "connecting"], lost: ["fail", ""] };

function show(state) {
  body.dataset.connection = state;
  const [shape, word] = STATES[state];
  const since = lostAt ? say("lost-for", { age: age((now() - lostAt) / 1000) }) : say("lost");
  const from = lastData ? ` ${say("numbers-from", { at: lastData })}` : "";
  for (const place of document.querySelectorAll('[data-keep="connection"]')) {
    place.querySelector(".shape").setAttribute("class", `shape ${shape}`);
    place.querySelector("use").setAttribute("href", `#${shape}`);
    const text = state === "lost" ? stopped || `${since}${from}` : say(word);
    if (place.querySelector(".word").textContent !== text) place.querySelector(".word").textContent = text;
  }
  for (const control of document.querySelectorAll(".switch button, #resume button.primary, [data-control]")) control.disabled = state === "lost";
}
