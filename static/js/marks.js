// What happened, drawn on the candles: triangles, crosses, the way between them, dots for rejections, what was unknown.
import { token } from "./colours.js";

const EDGE = 9; // from the candle to the mark
const SIZE = 5;

export class Marks {
  constructor() {
    this.said = "";
    const view = (order, paint) => ({ zOrder: () => order, renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace((space) => this.data && paint.call(this, space.context, space.mediaSize)) }) });
    this.views = [view("bottom", this.below), view("top", this.above)];
    this.dress();
  }

  attached({ chart, series, requestUpdate }) { Object.assign(this, { chart, series, requestUpdate }); }
  updateAllViews() {}
  paneViews() { return this.views; }

  set(data, bars) { Object.assign(this, { data, bars }); this.requestUpdate(); }

  say(text) {
    if (text === this.said) return;
    this.said = text;
    this.requestUpdate();
  }

  dress() {
    this.colour = Object.fromEntries(["text", "muted", "faint", "bar", "hatch", "surface", "line-strong"].map((n) => [n, token(`--${n}`)]));
    this.shade = token("--hatch 24%");
    this.font = `${parseFloat(token("--t-micro"))}px ${token("--sans")}`;
    this.requestUpdate?.();
  }

  x(time) { return this.chart.timeScale().timeToCoordinate(time); }
  y(price) { return this.series.priceToCoordinate(price); }
  half() { const r = this.chart.timeScale().options().barSpacing; return r / 2; }

  below(c, { width, height }) {
    this.written = []; // places of what is written already: nothing is written over it
    const { decided, links, lines } = this.data;
    if (decided?.unknown_from) {
      const x = this.x(decided.unknown_from);
      if (x !== null && x - this.half() < width) {
        c.fillStyle = this.shade;
        c.fillRect(Math.max(0, x - this.half()), 0, width, height);
      }
    }
    for (const gap of this.data.gaps) this.hole(c, gap, width, height);
    c.lineWidth = 1;
    for (const link of links) this.dotted(c, link, width);
    for (const line of lines) this.level(c, line, width);
  }

  // Where candles are missing the ground is shaded, and the gap is named where there is room.
  hole(c, { from, to, text }, width, height) {
    const x = this.x(from), end = this.x(to);
    if (x === null || end === null || x - this.half() > width || end + this.half() < 0) return;
    c.fillStyle = this.shade;
    c.fillRect(x - this.half(), 0, end - x + 2 * this.half(), height);
    this.words(c, text, (x + end) / 2, height - 6, { colour: this.colour.muted });
  }

  // From an entry to its exit, or to the right edge while it is open.
  dotted(c, { from, to }, width) {
    const x = this.x(from.t) ?? 0, y = this.y(from.price);
    const x2 = to ? this.x(to.t) ?? width : width, y2 = to ? this.y(to.price) : y;
    if (y === null || y2 === null) return;
    c.strokeStyle = this.colour.faint;
    c.setLineDash([1, 3]);
    stroke(c, x, y, x2, y2);
  }

  level(c, { from, to, price, text, quiet }, width) {
    const y = this.y(price), x = this.x(from) ?? 0, end = to ? this.x(to) ?? width : width;
    if (y === null || x > width) return;
    c.strokeStyle = quiet ? this.colour["line-strong"] : this.colour.bar;
    c.setLineDash([5, 3]);
    stroke(c, Math.max(0, x), y, end, y);
    this.words(c, text, end - 6, y - 5, { align: "right", colour: this.colour.muted });
  }

  above(c, { width, height }) {
    c.setLineDash([]);
    const { decided, entries, exits, rejections, stop } = this.data;
    if (decided) this.moment(c, decided, width, height);
    for (const one of rejections) this.dot(c, one, height);
    for (const one of this.data.aside) this.square(c, one, height);
    for (const one of entries) this.triangle(c, one);
    for (const one of exits) this.cross(c, one);
    if (this.said && stop.length) this.label(c, stop.at(-1), width);
  }

  moment(c, { t, text, unknown, unknown_from: from }, width, height) {
    const x = this.x(t);
    if (x === null) return;
    const edge = x + this.half();
    c.strokeStyle = this.colour.text;
    stroke(c, edge, 0, edge, height);
    this.words(c, text, edge - 6, 13, { align: "right", bold: true });
    if (from && edge < width - 90) this.words(c, unknown, edge + 6, 13, { align: "left", colour: this.colour.muted });
  }

  dot(c, { t }, height) {
    const x = this.x(t);
    if (x === null) return;
    c.strokeStyle = this.colour.muted;
    c.lineWidth = 1.25;
    c.beginPath();
    c.arc(x, height * 0.8, 2.5, 0, 7);
    c.stroke();
    c.lineWidth = 1;
  }

  // A bar that was put aside: a hollow square on the line of the dots.
  square(c, { t }, height) {
    const x = this.x(t);
    if (x === null) return;
    c.strokeStyle = this.colour.text;
    c.lineWidth = 1.25;
    c.strokeRect(x - 3, height * 0.76 - 3, 6, 6);
    c.lineWidth = 1;
  }

  triangle(c, { t, side, text, also }) {
    const bar = this.bars.get(t), x = this.x(t);
    if (!bar || x === null) return;
    const up = side === "long", way = up ? 1 : -1;
    const y = this.y(up ? bar[3] : bar[2]) + way * EDGE;
    c.fillStyle = this.colour.text;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x - SIZE, y + way * SIZE * 1.6);
    c.lineTo(x + SIZE, y + way * SIZE * 1.6);
    c.fill();
    const first = y + way * (SIZE * 1.6 + 4) + (up ? 9 : 0);
    this.words(c, text, x, first, { bold: true });
    if (also) this.words(c, also, x, first + way * 13, { colour: this.colour.muted });
  }

  cross(c, { t, side, text, also }) {
    const bar = this.bars.get(t), x = this.x(t);
    if (!bar || x === null) return;
    const above = side === "long", way = above ? -1 : 1;
    const y = this.y(above ? bar[2] : bar[3]) + way * (EDGE + SIZE);
    c.strokeStyle = this.colour.text;
    c.lineWidth = 2;
    stroke(c, x - SIZE + 1, y - SIZE + 1, x + SIZE - 1, y + SIZE - 1);
    stroke(c, x - SIZE + 1, y + SIZE - 1, x + SIZE - 1, y - SIZE + 1);
    c.lineWidth = 1;
    const first = y + way * (SIZE + 4) + (above ? 0 : 9);
    this.words(c, text, x, first, { bold: true });
    if (also) this.words(c, also, x, first + way * 13, { colour: this.colour.muted });
  }

  // The stop's age above its dashed line.
  label(c, [, price], width) {
    const y = this.y(price);
    if (y !== null) this.words(c, this.said, width - 6, y - 6, { align: "right", bold: true });
  }

  // The nearest height where words of this width cover no others; null where there is none.
  free(left, y, wide, height) {
    const over = (at) => this.written.some((o) => left < o.left + o.wide + 6 && o.left < left + wide + 6 && Math.abs(at - o.y) < LINE - 1);
    const found = WAYS.map((way) => y + way * LINE).find((at) => at > 10 && at < height && !over(at));
    if (found === undefined) return null;
    this.written.push({ left, y: found, wide });
    return found;
  }

  words(c, text, x, y, { align = "center", bold = false, colour = this.colour.text } = {}) {
    if (!text) return;
    c.font = `${bold ? "600 " : ""}${this.font}`;
    c.textAlign = align;
    c.lineJoin = "round";
    const wide = c.measureText(text).width;
    if (align === "center") x = Math.max(wide / 2 + 4, Math.min(x, c.canvas.clientWidth - wide / 2 - 4));
    y = this.free(x - wide * { left: 0, center: .5, right: 1 }[align], y, wide, c.canvas.clientHeight);
    if (y === null) return;
    c.strokeStyle = this.colour.surface;
    c.lineWidth = 3;
    c.setLineDash([]);
    c.strokeText(text, x, y);
    c.lineWidth = 1;
    c.fillStyle = colour;
    c.fillText(text, x, y);
  }
}

const LINE = 13; // from one line of words to the next
const WAYS = [0, -1, 1, -2, 2, -3, 3];

function stroke(c, x1, y1, x2, y2) {
  c.beginPath();
  c.moveTo(x1, y1);
  c.lineTo(x2, y2);
  c.stroke();
}
