"use strict";
// Plots on a canvas: axes with ticks, lines, points, segments and bands, in the colours of the page's legend.

const MARGIN = { left: 58, right: 20, top: 10, bottom: 38 };

// Round numbers in an interval, some four to six.
function ticksOf([low, high]) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

// Powers of ten in an interval of exponents, every one or every few; 1, 2 and 5 times them where there are less than two.
function powersOf([low, high]) {
  const every = Math.max(1, Math.ceil((high - low) / 6));
  const ticks = [];
  for (let k = Math.ceil(low / every) * every; k <= high; k += every) ticks.push(10 ** k);
  if (ticks.length > 1) return ticks;
  const finer = [];
  for (let k = Math.floor(low); k <= high; k++) finer.push(...[1, 2, 5].map((one) => one * 10 ** k));
  return finer.filter((one) => Math.log10(one) >= low && Math.log10(one) <= high);
}

// 10⁻⁴, or 0.02.
function shownPower(value) {
  const power = Math.round(Math.log10(value));
  return Math.abs(Math.log10(value) - power) < 1e-9 ? `10${superscript(power)}` : shownNumber(value);
}

function shownNumber(value) {
  if (!Number.isFinite(value)) return "—";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [digits, power] = value.toExponential(3).split("e");
    return `${minus(String(+digits))} × 10${superscript(+power)}`;
  }
  return minus(String(+value.toPrecision(6)));
}

const minus = (text) => text.replace("-", "−");
const superscript = (power) => [...String(power)].map((one) => (one === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[one])).join("");

// An interval that holds the numbers, with some room; a tenth of their size for one number.
function around(values, room = 0.08) {
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  const [low, high] = finite.reduce(([a, b], one) => [Math.min(a, one), Math.max(b, one)], [Infinity, -Infinity]);
  const width = Math.max(high - low, 1e-9 * Math.abs(high), 1e-12);
  const least = Math.max(width, 1e-4 * Math.max(Math.abs(low), Math.abs(high)));
  const middle = (low + high) / 2;
  return [middle - least * (0.5 + room), middle + least * (0.5 + room)];
}

// Draws {x, y, logarithmic, labels: [x, y], items: [{kind, …}]}, and gives the x of a place so far from the left.
function plot(canvas, { x, y, logarithmic = false, labels, items }, colour) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const across = (value) => MARGIN.left + ((value - x[0]) / (x[1] - x[0])) * (right - MARGIN.left);
  const up = (value) => bottom - (((logarithmic ? Math.log10(value) : value) - y[0]) / (y[1] - y[0])) * (bottom - MARGIN.top);

  pen.font = "12px system-ui, sans-serif";
  pen.lineWidth = 1;
  pen.strokeStyle = colour("line");
  pen.fillStyle = colour("quiet");
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of ticksOf(x)) {
    stroke(pen, [[across(tick), MARGIN.top], [across(tick), bottom]]);
    pen.fillText(shownNumber(tick), across(tick), bottom + 5);
  }
  pen.fillText(labels[0], (MARGIN.left + right) / 2, height - 15);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of logarithmic ? powersOf(y) : ticksOf(y)) {
    stroke(pen, [[MARGIN.left, up(tick)], [right, up(tick)]]);
    pen.fillText(logarithmic ? shownPower(tick) : shownNumber(tick), MARGIN.left - 6, up(tick));
  }
  pen.save();
  pen.translate(11, (MARGIN.top + bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(labels[1], 0, 0);
  pen.restore();

  pen.save();
  pen.beginPath();
  pen.rect(MARGIN.left, MARGIN.top, right - MARGIN.left, bottom - MARGIN.top);
  pen.clip();
  const placed = (points) => points.map(([a, b]) => [across(a), up(b)]);
  for (const { kind, points, role, width: thick = 1.5, dash = [], alpha = 1, radius = 2 } of items) {
    pen.globalAlpha = alpha;
    pen.strokeStyle = pen.fillStyle = colour(role);
    pen.lineWidth = thick;
    pen.setLineDash(dash);
    const places = placed(points);
    if (kind === "line") stroke(pen, places);
    if (kind === "segments") for (let k = 0; k < places.length; k += 2) stroke(pen, places.slice(k, k + 2));
    if (kind === "band") pen.fillRect(MARGIN.left, places[1][1], right - MARGIN.left, places[0][1] - places[1][1]);
    if (kind === "points" || kind === "rings") {
      for (const [a, b] of places) {
        if (!Number.isFinite(a + b)) continue;
        pen.beginPath();
        pen.arc(a, b, radius, 0, 2 * Math.PI);
        if (kind === "points") pen.fill();
        else pen.stroke();
      }
    }
  }
  pen.restore();
  return (left) => x[0] + ((left - MARGIN.left) / (right - MARGIN.left)) * (x[1] - x[0]);
}

// A line through places, broken where they are no numbers.
function stroke(pen, places) {
  pen.beginPath();
  let down = false;
  for (const [a, b] of places) {
    const known = Number.isFinite(a) && Number.isFinite(b) && Math.abs(a) < 1e6 && Math.abs(b) < 1e6;
    if (known && down) pen.lineTo(a, b);
    else if (known) pen.moveTo(a, b);
    down = known;
  }
  pen.stroke();
}
