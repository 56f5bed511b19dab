// Plotly figures that were built on the server, in the page's tokens: no logo, no buttons, no motion.
import { dressed, token } from "./colours.js";

const LIBRARY = "/static/vendor/plotly/plotly-finance.min.js";
const STYLES = ["plotly.js-style-global", "ce8d464691048653ffe3a57c6c18ab566e8366f186677868cf724621a857b4fe"];
const CONFIG = { displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
let loading = null;

function library() {
  loading ||= new Promise((done, fail) => {
    // The page's policy allows no style element: what Plotly needs of it is in charts.css, and what a map would need is
    // not needed. An element with the id of its style keeps it from adding one.
    const ours = STYLES.map((id) => Object.assign(document.createElement("template"), { id, className: "no-inline-styles" }));
    const script = Object.assign(document.createElement("script"), { src: LIBRARY, onload: () => done(window.Plotly), onerror: () => fail(new Error("the chart library did not load")) });
    document.head.append(...ours, script);
  });
  return loading;
}

function around() {
  const px = (name) => parseFloat(token(name));
  const font = { family: token("--sans"), size: px("--t-micro"), color: token("--faint") };
  const axis = { gridcolor: token("--grid"), linecolor: token("--line"), zerolinecolor: token("--line-strong"), tickfont: font, fixedrange: true, automargin: true, ticks: "", showline: false, zeroline: false, spikethickness: 1, spikecolor: token("--line-strong"), spikedash: "solid", title: { font: { ...font, color: token("--muted") }, standoff: 6 } };
  return {
    font, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators: ".,",
    margin: { l: 8, r: 8, t: 8, b: 8, pad: 0 }, dragmode: false, hovermode: "x unified", showlegend: false, bargap: 0.25,
    hoverlabel: { bgcolor: token("--raised"), bordercolor: token("--line-strong"), font: { ...font, size: px("--t-small"), color: token("--text") } },
    legend: { orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: { ...font, color: token("--muted") }, itemclick: false, itemdoubleclick: false },
    xaxis: axis, yaxis: { ...axis, side: "right" },
  };
}

function merged(base, more) {
  const out = { ...base };
  for (const [key, value] of Object.entries(more || {})) {
    out[key] = value && typeof value === "object" && !Array.isArray(value) && base?.[key] ? merged(base[key], value) : value;
  }
  return out;
}

function figure(data) {
  const base = around(), layout = dressed(data.layout || {});
  for (const name of Object.keys(layout)) if (/^[xy]axis\d$/.test(name)) base[name] = { ...base[name.slice(0, 5)] };
  return [dressed(data.data), merged(base, layout)];
}

export async function draw(canvas, data) {
  const Plotly = await library();
  let shown = data;
  await Plotly.newPlot(canvas, ...figure(data), CONFIG);
  // a box that was hidden or moved to another width: Plotly listens to the window only
  const resized = new ResizeObserver(() => { if (canvas.isConnected && canvas.clientWidth) Plotly.Plots.resize(canvas); });
  resized.observe(canvas);
  const redraw = (fresh) => { shown = fresh; Plotly.react(canvas, ...figure(fresh), CONFIG); };
  return {
    update: redraw,
    restyle: redraw,
    table: () => table(shown),
    dispose() { resized.disconnect(); Plotly.purge(canvas); },
  };
}

const STAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?.*$/;
const written = (value) => {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "\u2212");
  return String(value).replace(STAMP, "$1 $2");
};

// One row for each x, one column for each trace that has a name.
function table(data) {
  const named = data.data.filter((trace) => trace.name && trace.x);
  const rows = new Map();
  for (const [i, trace] of named.entries()) {
    for (const [k, x] of trace.x.entries()) {
      if (trace.y[k] === null) continue;
      if (!rows.has(x)) rows.set(x, Array(named.length).fill(""));
      rows.get(x)[i] = written(trace.y[k]);
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { heads: [data.x || "", ...named.map((t) => t.name)], rows: sorted.map(([x, cells]) => [written(x), ...cells]) };
}
