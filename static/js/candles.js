// Candles by Lightweight Charts, with what happened to the trade drawn on them: entries, exits, the stop's way, rejections.
import { age, now } from "./clock.js";
import { token } from "./colours.js";
import { Marks } from "./marks.js";

const LIBRARY = "/static/vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
const SEEN = 110; // bars in a wide window; narrow ones show less time, never smaller text
const BAR = 7;
const ROOM = 14; // bars left free beside the newest one, where words stand at it

const moment = (time) => new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ");

export async function draw(canvas, data) {
  const L = await import(LIBRARY);
  const one = new CandleChart(L, canvas);
  one.update(data);
  return one;
}

class CandleChart {
  constructor(L, canvas) {
    this.L = L;
    this.canvas = canvas;
    this.box = Object.assign(document.createElement("div"), { className: "box" });
    this.box.style.height = "100%";
    canvas.replaceChildren(this.box);
    this.chart = L.createChart(this.box, { autoSize: true, layout: { attributionLogo: false }, handleScroll: { mouseWheel: false, vertTouchDrag: false }, handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false, time: true } } });
    this.candles = this.chart.addSeries(L.CandlestickSeries, { lastValueVisible: false, priceLineVisible: false, autoscaleInfoProvider: (own) => this.reach(own()) });
    this.volume = this.chart.addSeries(L.HistogramSeries, { priceScaleId: "", lastValueVisible: false, priceLineVisible: false });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: 0.24 } });
    this.stop = this.chart.addSeries(L.LineSeries, { lineType: L.LineType.WithSteps, lineStyle: L.LineStyle.Dashed, lineWidth: 1, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false });
    this.marks = new Marks();
    this.candles.attachPrimitive(this.marks);
    this.lines = [];
    this.chart.subscribeCrosshairMove((at) => this.read(at.time));
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.onMarks = (event) => this.move(event.detail);
    document.addEventListener("marks", this.onMarks);
    this.clock = setInterval(() => this.age(), 1000);
    this.restyle();
  }

  update(data) {
    const other = this.data?.key !== data.key, had = this.data?.candles.length || 0;
    this.data = data;
    this.bars = new Map(data.candles.filter((c) => c.length > 1).map((c) => [c[0], c]));
    this.times = [...this.bars.keys()];
    const format = { type: "price", precision: data.places, minMove: 10 ** -data.places };
    this.candles.applyOptions({ priceFormat: format });
    this.candles.setData(data.candles.map(([time, open, high, low, close]) => (open === undefined ? { time } : { time, open, high, low, close })));
    this.volume.setData(data.candles.map(([time, , , , , value]) => (value === undefined ? { time } : { time, value })));
    this.stop.setData(data.stop.map(([time, value]) => ({ time, value })));
    this.flags();
    this.marks.set(data, this.bars);
    this.age();
    if (other) { this.cursor = null; this.frame(); }
    else this.follow(had, data.candles.length);
    this.read(null);
  }

  // The newest part, or the trade's own part; as many bars as the width carries.
  frame() {
    const n = this.data.candles.length, fit = Math.max(24, Math.min(SEEN, Math.floor(this.canvas.clientWidth / BAR)));
    const end = Math.min(n, (this.data.focus ?? n) + 2);
    const room = this.crowded(end) ? Math.min(ROOM, fit / 3) : 1;
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, end + room - fit), to: end + room });
  }

  // Words stand at the newest bars: a decision or an entry of just now.
  crowded(end) {
    const { candles, decided, entries } = this.data, since = candles[Math.max(0, end - ROOM)]?.[0];
    return Boolean(since) && [decided, ...entries].some((one) => one && one.t >= since);
  }

  // A chart whose newest bar is in sight keeps it in sight when another one comes.
  follow(had, has) {
    const scale = this.chart.timeScale(), range = scale.getVisibleLogicalRange();
    if (!range || has <= had || range.to < had - 1 || range.to > has) return;
    scale.setVisibleLogicalRange({ from: range.from + has - had, to: range.to + has - had });
  }

  flags() {
    for (const line of this.lines) this.candles.removePriceLine(line);
    this.lines = [];
    const flag = (price, ground, word) => this.lines.push(this.candles.createPriceLine({ price, lineVisible: false, axisLabelVisible: true, axisLabelColor: token(ground), axisLabelTextColor: token(word), title: "" }));
    if (this.data.stop_now) flag(this.data.stop_now, "--raised", "--text");
    if (this.data.mark) flag(this.data.mark, "--text", "--inverse");
  }

  reach(own) {
    const keep = this.data?.keep || [];
    if (!own || !keep.length) return own;
    const { minValue, maxValue } = own.priceRange;
    return { ...own, priceRange: { minValue: Math.min(minValue, ...keep), maxValue: Math.max(maxValue, ...keep) } };
  }

  restyle() {
    const t = token;
    this.chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: t("--faint"), fontFamily: t("--sans"), fontSize: parseFloat(t("--t-micro")), attributionLogo: false },
      grid: { vertLines: { visible: false }, horzLines: { color: t("--grid") } },
      rightPriceScale: { borderVisible: false, entireTextOnly: true }, localization: { priceFormatter: (n) => this.price(n), locale: "en-GB" },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 2, fixLeftEdge: true, minBarSpacing: 2 },
      crosshair: { mode: this.L.CrosshairMode.Magnet, vertLine: { color: t("--line-strong"), labelBackgroundColor: t("--raised") }, horzLine: { color: t("--line-strong"), labelBackgroundColor: t("--raised") } },
    });
    this.candles.applyOptions({ upColor: t("--surface"), borderUpColor: t("--profit-mark"), wickUpColor: t("--profit-mark"), downColor: t("--loss-mark"), borderDownColor: t("--loss-mark"), wickDownColor: t("--loss-mark") });
    this.volume.applyOptions({ color: t("--bar-quiet") });
    this.stop.applyOptions({ color: t("--text") });
    this.marks.dress();
    if (this.data) this.flags();
  }

  age() {
    const stop = this.data?.stop_said;
    if (!stop) return this.marks.say("");
    const tab = this.canvas.closest("[data-panel]")?.querySelector('[data-show][aria-current="true"]'); // newer than the chart
    const seen = tab?.dataset.verified || stop.verified_at;
    this.marks.say(seen ? `${stop.text} ${age((now() - Date.parse(seen)) / 1000)} ${stop.ago}` : stop.text);
  }

  // A newer mark price of this symbol, from the live channel.
  move(rows) {
    const row = this.data?.live && rows.find((r) => r.symbol === this.data.live);
    if (!row?.mark) return;
    this.data.mark = Number(row.mark);
    this.flags();
  }

  read(time) {
    const out = this.canvas.closest("figure")?.querySelector(".readout");
    if (!out || !this.data) return;
    const bar = this.bars.get(time ?? this.times.at(-1));
    const text = bar ? this.line(bar) : this.nothing(time);
    if (!text) return;
    if (out.textContent !== text) out.textContent = text;
  }

  price(n) {
    const digits = this.data?.places ?? 2;
    return n.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "\u2212");
  }

  line([time, open, high, low, close, volume]) {
    const p = (n) => this.price(n);
    const w = this.data.words, noes = [...this.data.rejections, ...this.data.aside].filter((r) => r.t === time).map((r) => r.text);
    return [`${moment(time)}  ${w.open} ${p(open)}  ${w.high} ${p(high)}  ${w.low} ${p(low)}  ${w.close} ${p(close)}  ${w.volume} ${Math.round(volume).toLocaleString("en")}`, ...noes].join("  ");
  }

  // Where no candle is: why.
  nothing(time) {
    const { gaps, aside } = this.data;
    const texts = [...gaps.filter((g) => g.from <= time && time <= g.to), ...aside.filter((a) => a.t === time)].map((one) => one.text);
    return texts.length ? [moment(time), ...texts].join("  ") : "";
  }

  // Arrows walk from candle to candle, + and - change how many are seen, Home and End go to the ends.
  key(event) {
    const n = this.times.length;
    const at = this.cursor ?? n - 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: n - 1 }[event.key];
    if (to !== undefined && n) {
      this.cursor = Math.max(0, Math.min(n - 1, to));
      const time = this.times[this.cursor];
      this.chart.setCrosshairPosition(this.bars.get(time)[4], time, this.candles);
      this.bring(time);
      this.read(time);
    } else if ("+-".includes(event.key)) this.zoom(event.key === "+" ? 0.8 : 1.25);
    else return;
    event.preventDefault();
  }

  bring(time) {
    const scale = this.chart.timeScale(), range = scale.getVisibleLogicalRange();
    const i = this.data.candles.findIndex((c) => c[0] === time), span = range.to - range.from;
    if (i < range.from) scale.setVisibleLogicalRange({ from: i - 1, to: i - 1 + span });
    else if (i > range.to) scale.setVisibleLogicalRange({ from: i + 1 - span, to: i + 1 });
  }

  zoom(by) {
    const scale = this.chart.timeScale(), { from, to } = scale.getVisibleLogicalRange();
    scale.setVisibleLogicalRange({ from: to - Math.max(12, (to - from) * by), to });
  }

  table() {
    const w = this.data.words;
    const rows = [...this.bars.values()].map(([time, ...n]) => [moment(time), ...n.map((v) => v.toLocaleString("en", { maximumFractionDigits: 8 }))]);
    return { heads: [w.time, w.open, w.high, w.low, w.close, w.volume], rows };
  }

  dispose() {
    clearInterval(this.clock);
    document.removeEventListener("marks", this.onMarks);
    this.chart.remove();
  }
}
