// Draws the charts of the page from the JSON in it.
(() => {
'use strict';

const charts = JSON.parse(document.getElementById('charts').textContent);
const boxes = [...document.querySelectorAll('.plot')];
const plots = [];
const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
const heights = {wide: 230, narrow: 200};
const colours = 6; // --s1 to --s6
const axisWidth = 54; // the same for all, so that charts above each other line up

// ---- words and numbers

const plain = new Intl.NumberFormat('en-US', {maximumSignificantDigits: 4});
const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const short = new Intl.NumberFormat('en-US', {notation: 'compact', maximumSignificantDigits: 4});

function number(v) {
  const a = Math.abs(v);
  if (a >= 1e6) return short.format(v);
  if (a >= 1000) return whole.format(v);
  if (a > 0 && a < 1e-4) return v.toExponential(2);
  return plain.format(v);
}

function tick(v) {
  const a = Math.abs(v);
  if (a >= 1e5) return short.format(v);
  return a > 0 && a < 1e-4 ? v.toExponential(0) : v.toLocaleString('en-US', {maximumSignificantDigits: 6});
}

const two = n => String(n).padStart(2, '0');

// duration writes seconds; the last of them on the axis decides how.
function duration(v, last) {
  const s = Math.abs(+v.toFixed(6));
  if (last < 120) return s === 0 ? '0' : +v.toPrecision(6) + ' s';
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, rest = +(s % 60).toFixed(3);
  return (v < 0 ? '-' : '') + (h ? h + ':' + two(m) : m) + ':' + (rest < 10 ? '0' : '') + rest;
}

const decades = (from, to) => {
  const out = [];
  for (let e = from; e <= to; e++) for (const k of [1, 2, 5]) out.push(+(k + 'e' + e));
  return out;
};
const timeSteps = [...decades(-6, -1), 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
  172800, 432000, ...decades(6, 12)];

// ---- colours: the style sheet has them, for light, dark and paper

let ink = {};
function readInk() {
  const style = getComputedStyle(document.documentElement);
  ink = {};
  for (const name of ['ink', 'muted', 'grid', 'surface']) ink[name] = style.getPropertyValue('--' + name).trim();
  ink.series = Array.from({length: colours}, (_, i) => style.getPropertyValue('--s' + (i + 1)).trim());
}
const colour = i => ink.series[i % colours];

// hatch tells the second round of colours from the first.
function hatch(ctx, i) {
  if (i < colours) return colour(i);
  const d = 6 * devicePixelRatio, tile = document.createElement('canvas'), t = tile.getContext('2d');
  tile.width = tile.height = d;
  t.fillStyle = colour(i);
  t.fillRect(0, 0, d, d);
  t.fillStyle = ink.surface;
  t.fillRect(0, 0, d, d / 3);
  return ctx.createPattern(tile, 'repeat');
}

// ---- data

// axisOf names what charts share: cursor and extent.
const axisOf = c => c.edges ? null : 'x:' + (c.xlabel || '');

const slotOf = c => {
  let slot = Infinity;
  for (let i = 1; i < c.x.length; i++) slot = Math.min(slot, c.x[i] - c.x[i - 1]);
  return slot;
};

// extents are the common ends of each shared axis; bars need half a bar more.
const extents = {};
for (const c of charts) {
  const key = axisOf(c);
  if (!key) continue;
  const pad = c.kind === 'line' ? 0 : slotOf(c) / 2;
  const e = extents[key] || (extents[key] = [Infinity, -Infinity]);
  e[0] = Math.min(e[0], c.x[0] - (isFinite(pad) ? pad : 0));
  e[1] = Math.max(e[1], c.x[c.x.length - 1] + (isFinite(pad) ? pad : 0));
}
for (const e of Object.values(extents)) if (e[0] === e[1]) { e[0] -= 0.5; e[1] += 0.5; }

const drawn = (c, v) => v == null || c.log && v <= 0 ? null : v;

// columns are the values as drawn. Stacked ones are sums from the bottom up, and floors what each stands on.
function columns(c, shown) {
  if (c.kind !== 'stacked') return {values: c.series.map(s => s.values.map(v => drawn(c, v)))};
  const sums = c.series[0].values.map(() => 0), floors = [];
  const values = c.series.map((s, k) => {
    floors.push([...sums]);
    return s.values.map((v, i) => v == null || !shown[k] ? null : (sums[i] += v));
  });
  return {values, floors};
}

// ---- one chart

// steps is 1, 2 or 5 times a power of ten at or beyond v.
function step(v, up) {
  const e = Math.floor(Math.log10(v)), p = Math.pow(10, e), m = v / p;
  if (up) return (m <= 1.0001 ? 1 : m <= 2.0001 ? 2 : m <= 5.0001 ? 5 : 10) * p;
  return (m >= 4.9999 ? 5 : m >= 1.9999 ? 2 : 1) * p;
}

// valueRange begins at 0 where it can, and takes in a mark unless that would press the data flat.
function valueRange(c, lo, hi) {
  if (!(lo <= hi)) return c.log ? [1, 10] : [0, 1];
  const marks = (c.marks || []).map(m => m.value);
  if (c.log) {
    for (const m of marks) if (m > 0 && m <= hi * 30 && m >= lo / 30) { lo = Math.min(lo, m); hi = Math.max(hi, m); }
    const bottom = step(lo * (c.kind === 'bars' ? 0.6 : 0.999), false), top = step(hi * 1.05, true);
    return [bottom, top > bottom ? top : bottom * 10];
  }
  for (const m of marks) if (m >= 0 ? m <= Math.max(hi, 0) * 3 || hi <= 0 && lo === hi : m >= Math.min(lo, 0) * 3) { lo = Math.min(lo, m); hi = Math.max(hi, m); }
  lo = Math.min(lo, 0);
  hi = Math.max(hi, 0);
  if (lo === hi) hi = 1;
  const air = (hi - lo) * 0.07;
  return [lo < 0 ? lo - air : 0, hi > 0 ? hi + air : 0];
}

// apart moves places (ascending) so that they are at least gap from each other and within the ends.
function apart(places, gap, from, to) {
  const out = [...places];
  for (let i = 1; i < out.length; i++) out[i] = Math.max(out[i], out[i - 1] + gap);
  let limit = to;
  for (let i = out.length - 1; i >= 0; i--) { out[i] = Math.min(out[i], limit); limit = out[i] - gap; }
  if (out.length && out[0] < from) out.forEach((_, i) => { out[i] = Math.max(out[i], from + i * gap); });
  return out;
}

const measure = document.createElement('canvas').getContext('2d');
measure.font = font;
const widthOf = text => measure.measureText(text).width;

// labelled tells whether the lines of c have their names at their ends.
const labelled = c => c.kind === 'line' && c.series.length > 1 && c.series.length <= 5 && c.series.every(s => widthOf(s.name) <= 70);
const edgeRoom = Math.max(14, ...charts.filter(labelled).flatMap(c => c.series.map(s => widthOf(s.name) + 12)));

// barPaths draws upright bars: side by side, or each on its floor.
function barPaths(state, k) {
  const c = state.chart, groups = c.kind === 'bars' ? c.series.length : 1, g = c.kind === 'bars' ? k : 0;
  return (u, si, from, to) => {
    const fill = new Path2D(), xs = u.data[0], ys = u.data[si], floors = state.floors && state.floors[k];
    const slot = c.edges ? 1 : slotOf(c), px = devicePixelRatio;
    let width = isFinite(slot) ? Math.abs(u.valToPos(slot, 'x', true) - u.valToPos(0, 'x', true)) : Infinity;
    width = Math.min(width * (groups > 1 ? 0.86 : 1), 60 * px * groups);
    const gap = width / groups >= 5 * px ? px : 0;
    const zero = u.valToPos(c.log ? u.scales.y.min : 0, 'y', true);
    for (let i = from; i <= to; i++) {
      if (ys[i] == null || ys[i] === 0 || floors && ys[i] === floors[i]) continue;
      const left = Math.round(u.valToPos(xs[i], 'x', true) - width / 2 + g * width / groups);
      const right = Math.max(left + 1, Math.round(u.valToPos(xs[i], 'x', true) - width / 2 + (g + 1) * width / groups) - gap);
      const base = Math.round(floors ? u.valToPos(floors[i], 'y', true) : zero);
      let end = Math.round(u.valToPos(ys[i], 'y', true));
      if (end === base) end = base + (ys[i] < 0 ? px : -px); // a count of one among thousands is not nothing
      fill.rect(left, Math.min(end, base), right - left, Math.abs(end - base));
    }
    return {stroke: null, fill, clip: null, flags: 0};
  };
}

// alone finds points between gaps: no line shows them.
function alone(u, si, show) {
  if (show) return null;
  const ys = u.data[si], out = [];
  for (let i = 0; i < ys.length; i++) if (ys[i] != null && ys[i - 1] == null && ys[i + 1] == null) out.push(i);
  return out.length ? out : null;
}

// write puts text with a rim in the colour of the ground, so that it stays readable on lines.
function write(ctx, text, x, y, fill, align) {
  ctx.textAlign = align;
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = 'round';
  ctx.strokeStyle = ink.surface;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = fill;
  ctx.fillText(text, x, y);
}

// annotate draws marks, and names the lines at their right ends.
function annotate(u, state) {
  const c = state.chart, ctx = u.ctx, px = devicePixelRatio, box = u.bbox, right = box.left + box.width, bottom = box.top + box.height;
  ctx.save();
  ctx.font = font.replace('12px', 12 * px + 'px');
  ctx.textBaseline = 'middle';
  const marks = (c.marks || []).filter(m => !c.log || m.value > 0).map(m => ({...m, y: u.valToPos(m.value, 'y', true)})).sort((a, b) => a.y - b.y);
  for (const m of marks) {
    if (m.y < box.top || m.y > bottom) continue;
    ctx.strokeStyle = ink.ink;
    ctx.lineWidth = 1.25 * px;
    ctx.setLineDash([6 * px, 4 * px]);
    ctx.beginPath();
    ctx.moveTo(box.left, m.y);
    ctx.lineTo(right, m.y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  // labels stand above their lines and give way upwards
  const above = marks.map(m => Math.min(Math.max(m.y - 9 * px, box.top - 3 * px), bottom - 8 * px));
  apart(above.map(y => -y).reverse(), 15 * px, -bottom, -box.top + 3 * px).reverse().forEach((y, i) => {
    const m = marks[i], off = m.y < box.top ? ' ↑ beyond the scale' : m.y > bottom ? ' ↓ beyond the scale' : '';
    write(ctx, (m.label || number(m.value)) + off, box.left + 6 * px, -y, ink.ink, 'left');
  });
  if (labelled(c)) {
    const ends = [], last = u.series[0].idxs ? u.series[0].idxs[1] : u.data[0].length - 1;
    c.series.forEach((s, k) => {
      if (!u.series[k + 1].show) return;
      let i = last;
      while (i > 0 && u.data[k + 1][i] == null) i--;
      if (u.data[k + 1][i] != null) ends.push({name: s.name, k, y: u.valToPos(u.data[k + 1][i], 'y', true)});
    });
    ends.sort((a, b) => a.y - b.y);
    apart(ends.map(e => e.y), 14 * px, box.top, bottom).forEach((y, i) => write(ctx, ends[i].name, right + 5 * px, y, colour(ends[i].k), 'left'));
  }
  ctx.restore();
}

function xAxis(state) {
  const c = state.chart;
  const axis = {
    stroke: () => ink.muted, font, size: 26, gap: 4, space: 64, label: c.xlabel || 'time since the start', labelFont: font, labelSize: 18, labelGap: 0,
    grid: {show: false}, ticks: {stroke: () => ink.muted, width: 1, size: 4}, border: {show: true, stroke: () => ink.muted, width: 1},
  };
  if (c.edges) {
    // a tick at the edge of every few bins
    const wide = Math.max(...c.x.map(v => widthOf(tick(v)))) + 14;
    axis.splits = u => {
      const n = c.x.length - 1, every = Math.max(1, Math.ceil(n * wide / (u.bbox.width / devicePixelRatio))), out = [];
      for (let i = 0; i <= n; i += every) out.push(i - 0.5);
      return out;
    };
    axis.values = (u, at) => at.map(v => tick(c.x[Math.round(v + 0.5)]));
  } else if (!c.xlabel) {
    axis.incrs = timeSteps;
    axis.values = (u, at) => at.map(v => v < 0 && c.x[0] >= 0 ? '' : duration(v, extents[axisOf(c)][1])); // bars reach out of the run by half of one
  } else {
    axis.values = (u, at) => at.map(tick);
  }
  return axis;
}

// logTicks keeps powers of ten, and 2 and 5 times them where these are few.
function logTicks(u, at) {
  const decades = Math.log10(u.scales.y.max / u.scales.y.min);
  return at.map(v => {
    const m = Math.round(v / Math.pow(10, Math.floor(Math.log10(v) + 1e-9)));
    return m === 1 || decades <= 2.5 && (m === 2 || m === 5) ? v : null;
  });
}

const yAxis = c => ({
  stroke: () => ink.muted, font, size: axisWidth, gap: 6, space: 36,
  values: (u, at) => at.map(v => v == null ? null : tick(v)),
  grid: {stroke: () => ink.grid, width: 1, ...(c.log && {filter: logTicks})},
  ticks: {show: false}, border: {show: false}, ...(c.log && {filter: logTicks}),
});

const place = (c, i) => c.edges ? tick(c.x[i]) + ' to ' + tick(c.x[i + 1]) : c.xlabel ? number(c.x[i]) : duration(c.x[i], extents[axisOf(c)][1]);

// legend has a button a series, which hides it, and the values under the cursor.
function legend(state, box) {
  const c = state.chart, bar = document.createElement('div');
  bar.className = 'legend';
  state.outs = c.series.map((s, k) => {
    const b = document.createElement('button'), swatch = document.createElement('i'), out = document.createElement('output');
    b.type = 'button';
    b.setAttribute('aria-pressed', 'true');
    if (c.kind !== 'line') swatch.className = 'box';
    const paint = `var(--s${k % colours + 1})`;
    swatch.style.background = k < colours ? paint : c.kind === 'line' ?
      `repeating-linear-gradient(90deg, ${paint} 0 5px, transparent 5px 8px)` : `repeating-linear-gradient(0deg, ${paint} 0 3px, transparent 3px 5px)`;
    out.setAttribute('aria-live', 'off');
    b.append(swatch, s.name, out);
    b.onclick = () => {
      const on = state.shown[k] = !state.shown[k];
      b.setAttribute('aria-pressed', String(on));
      state.u.batch(() => {
        state.u.setSeries(k + 1, {show: on});
        if (c.kind === 'stacked') state.u.setData(load(state), false);
        state.u.redraw(true, true);
      });
    };
    bar.append(b);
    return out;
  });
  state.at = document.createElement('span');
  state.at.className = 'at';
  state.whole = document.createElement('button');
  state.whole.type = 'button';
  state.whole.className = 'whole';
  state.whole.textContent = 'show all';
  state.whole.hidden = true;
  state.whole.onclick = () => {
    for (const p of plots) if (axisOf(p.chart) === axisOf(c)) p.u.setData(p.u.data, true);
    box.focus();
  };
  bar.append(state.at, state.whole);
  box.before(bar);
}

function point(u, state) {
  const i = u.cursor.left >= 0 ? u.cursor.idx : null, c = state.chart;
  state.at.textContent = i == null ? '' : 'at ' + place(c, i);
  state.outs.forEach((out, k) => {
    const v = i == null ? undefined : c.series[k].values[i];
    out.textContent = v === undefined ? '' : v === null ? '–' : number(v);
  });
}

// keys moves the cursor, and says where it is.
function keys(state, box) {
  const say = document.createElement('p');
  say.className = 'aside';
  say.setAttribute('aria-live', 'polite');
  box.after(say);
  box.tabIndex = 0;
  box.onkeydown = e => {
    const u = state.u, n = u.data[0].length, now = u.cursor.left >= 0 && u.cursor.idx != null ? u.cursor.idx : null;
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10}[e.key];
    let i = {Home: 0, End: n - 1}[e.key];
    if (by && !e.ctrlKey && !e.altKey && !e.metaKey) i = now === null ? (by > 0 ? 0 : n - 1) : now + by * (e.shiftKey ? 10 : 1);
    if (e.key === 'Escape') {
      u.setCursor({left: -10, top: -10}, true, true);
      say.textContent = '';
      return;
    }
    if (i === undefined) return;
    e.preventDefault();
    i = Math.min(Math.max(i, 0), n - 1);
    u.setCursor({left: u.valToPos(u.data[0][i], 'x'), top: 10}, true, true);
    const c = state.chart;
    say.textContent = place(c, i) + ': ' + c.series.map(s => s.name + ' ' + (s.values[i] == null ? 'no value' : number(s.values[i]))).join(', ');
  };
}

function load(state) {
  const c = state.chart, {values, floors} = columns(c, state.shown);
  state.floors = floors;
  return [c.edges ? c.series[0].values.map((_, i) => i) : c.x, ...values];
}

function size(box) {
  const width = Math.max(box.clientWidth, 120);
  return {width, height: width < 420 ? heights.narrow : heights.wide};
}

function draw(box) {
  const c = charts[+box.dataset.chart], state = {chart: c, box, shown: c.series.map(() => true)};
  const key = axisOf(c), bars = c.kind !== 'line', data = load(state);
  const full = key ? extents[key] : [-0.5, c.x.length - 1.5];
  const first = data[0][0], last = data[0][data[0].length - 1];
  legend(state, box);
  state.u = new uPlot({
    ...size(box),
    padding: [12, edgeRoom, 0, 0],
    legend: {show: false},
    scales: {
      x: {time: false, range: (u, lo, hi) => lo <= first && hi >= last ? full : [lo, hi]},
      y: {distr: c.log ? 3 : 1, range: (u, lo, hi) => valueRange(c, lo, hi)},
    },
    axes: [xAxis(state), yAxis(c)],
    cursor: {
      y: false, drag: {x: !c.edges, y: false}, points: {show: !bars, size: 7},
      sync: key ? {key, scales: ['x', null]} : undefined,
    },
    series: [{}, ...c.series.map((s, k) => bars ?
      {label: s.name, width: 0, fill: u => hatch(u.ctx, k), paths: barPaths(state, k), points: {show: false}} :
      {label: s.name, width: 1.75, stroke: () => colour(k), dash: k < colours ? undefined : [6, 3],
        points: {show: false, filter: alone, size: 4, fill: () => colour(k)}})],
    hooks: {
      draw: [u => annotate(u, state)],
      setCursor: [u => point(u, state)],
      setScale: [(u, scale) => { if (scale === 'x') state.whole.hidden = u.scales.x.min === full[0] && u.scales.x.max === full[1]; }],
    },
  }, data, box);
  keys(state, box);
  plots.push(state);
}

function repaint() {
  readInk();
  for (const p of plots) p.u.redraw(false);
}

readInk();
for (const box of boxes) {
  try {
    draw(box);
  } catch (e) {
    box.remove(); // the sentence below it says what it would have shown
    console.error(e);
  }
}
const paper = () => document.documentElement.classList.contains('paper');
const fit = new ResizeObserver(entries => {
  for (const {target} of entries) {
    const u = plots.find(p => p.box === target).u, s = size(target);
    if (!paper() && (s.width !== u.width || s.height !== u.height)) u.setSize(s);
  }
});
for (const p of plots) fit.observe(p.box);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

// On paper charts are light, and as wide as a column of A4 or letter.
addEventListener('beforeprint', () => {
  document.documentElement.classList.add('paper');
  readInk();
  for (const p of plots) p.u.setSize({width: p.box.closest('.grid') ? 335 : 690, height: heights.narrow});
});
addEventListener('afterprint', () => {
  document.documentElement.classList.remove('paper');
  readInk();
  for (const p of plots) p.u.setSize(size(p.box));
});
})();
