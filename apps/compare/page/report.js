// Draws the curves of a comparison with dygraphs. Where this does not run, the page shows still pictures.
'use strict';

(() => {
const $ = id => document.getElementById(id);
const text = $('data').textContent;
const comparison = text.startsWith('{{') ? window.sampleComparison : text && JSON.parse(text);
if (!comparison || !$('panels')) return;
if (typeof Dygraph === 'undefined') {
  $('still').hidden = false;
  return;
}

// ---- What there is --------------------------------------------------------------------------------------------------

const cases = comparison.summary.cases.map((c, i) => ({...c, runs: comparison.runs[i]}));
for (const c of cases) c.stepsPerEpoch = stepsPerEpoch(c);
// A case that diverges in its first epoch would have had the epochs of another with the same batches.
for (const c of cases) {
  c.stepsPerEpoch ||= cases.find(
    other => other.stepsPerEpoch && other.options['--batch'] === c.options['--batch'])?.stepsPerEpoch;
}
const unique = list => [...new Set(list)];
const panels = unique(cases.filter(c => c.runs.length > 0).map(c => c.panel));
const series = unique(cases.map(c => c.series));
const seeds = unique(cases.flatMap(c => c.runs.map(run => run.seed))).sort((a, b) => a - b);
const finite = x => typeof x === 'number' && Number.isFinite(x);

// An accuracy is drawn as its error in percent, on an axis that runs downwards, so that the axis can be logarithmic
// where curves differ. No error is drawn as half an error.
const leastError = 50 / comparison.summary.test_samples;
const asError = accuracy => Math.max(100 * (1 - accuracy), leastError);
const number = (x, digits = 6) => String(Number(x.toPrecision(digits)));
const percent = x => number(100 * x) + '\u00a0%';

const quantities = [
  {name: 'test_accuracy', title: 'test accuracy (%)', accuracy: true},
  {name: 'train_loss', title: 'training loss of the batch'},
  {name: 'epoch_loss', title: 'training loss, mean of the epoch so far'},
  {name: 'test_loss', title: 'test loss'},
  {name: 'validation_loss', title: 'validation loss'},
  {name: 'train_accuracy', title: 'training accuracy of the batch (%)', accuracy: true},
  {name: 'epoch_accuracy', title: 'training accuracy, mean of the epoch so far (%)', accuracy: true},
  {name: 'validation_accuracy', title: 'validation accuracy (%)', accuracy: true},
].filter(q => cases.some(c => c.runs.some(run => run[q.name] && run[q.name].some(finite))));
const quantity = name => quantities.find(q => q.name === name);

// Epochs end where their number changes, or with the run if it was not stopped by a number of steps.
function stepsPerEpoch(c) {
  for (const run of c.runs) {
    const next = run.epoch.findIndex(epoch => epoch > run.epoch[0]);
    if (next > 0) return run.step[next - 1] / run.epoch[0];
  }
  const whole = c.runs.find(run => !run.diverged && !c.options['--steps']);
  return whole && whole.step.at(-1) / whole.epoch.at(-1);
}

// ---- What is shown --------------------------------------------------------------------------------------------------

const shown = {x: 'step', beside: 'train_loss', smooth: 1, log: true, same: true, mean: true,
               series: new Set(series), seeds: new Set(), window: null};

const dark = matchMedia('screen and (prefers-color-scheme: dark)');
// The colours, dashes and widths of the still pictures (plots.cpp), lighter in the dark.
const colours = () => dark.matches ?
  ['#FF8A3D', '#4DA3E8', '#F0F0F0', '#2CC99B', '#E79CC6', '#F2B93B', '#8FD3FF'] :
  ['#D55E00', '#0072B2', '#000000', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];
const dashes = [null, null, [7, 5], [10, 4, 2, 4], [10, 3, 2, 3, 2, 3], [2, 4], [7, 5]];
const style = k => ({color: colours()[k % 7], strokePattern: k < 7 ? dashes[k] : [3, 2],
                     strokeWidth: k === 1 ? 3.5 : 2});
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---- Curves ---------------------------------------------------------------------------------------------------------

// The points of a run: the mean of a value and those before it, as many as are asked for.
function pointsOf(run, c, q) {
  const values = run[q.name] || [], points = [];
  const before = [];
  run.step.forEach((step, i) => {
    if (!finite(values[i])) return;
    before.push(values[i]);
    if (before.length > shown.smooth) before.shift();
    const x = shown.x === 'epoch' ? step / c.stepsPerEpoch : run[shown.x][i];
    points.push({step, x, y: before.reduce((sum, y) => sum + y, 0) / before.length});
  });
  return points;
}

// The curve over the seeds, with a band: mean and deviation, or median and range.
function middle(curves, byMedian) {
  const steps = new Map();
  for (const point of curves.flat()) steps.set(point.step, [...steps.get(point.step) || [], point]);
  return [...steps.keys()].sort((a, b) => a - b).map(step => {
    const points = steps.get(step), n = points.length;
    const ys = points.map(p => p.y).sort((a, b) => a - b);
    const mean = list => list.reduce((sum, y) => sum + y, 0) / list.length;
    const x = mean(points.map(p => p.x));
    if (n === 1) return {step, x, y: ys[0]};
    if (byMedian) {
      return {step, x, y: (ys[(n - 1) >> 1] + ys[n >> 1]) / 2, low: ys[0], high: ys[n - 1], range: true};
    }
    const y = mean(ys), deviation = Math.sqrt(ys.reduce((sum, v) => sum + (v - y) ** 2, 0) / (n - 1));
    return {step, x, y, low: y - deviation, high: y + deviation, deviation};
  });
}

// Whether the seeds of a panel are too far apart for mean and deviation, as in plots.cpp.
const byMedian = new Map(panels.map(panel => [panel, cases.some(c => {
  if (c.panel !== panel) return false;
  const curves = c.runs.map(run => pointsOf(run, c, quantity('test_accuracy')));
  const last = middle(curves, true).at(-1);
  return (last && last.low < last.y / 2) ||
      middle(curves, false).some(p => p.y + (p.deviation || 0) > 1 || p.y - (p.deviation || 0) < 0);
})]));

// The lines of a chart, each {label, k, single, case, points}.
function linesOf(panel, q) {
  const lines = [];
  for (const c of cases) {
    if (c.panel !== panel || !shown.series.has(c.series)) continue;
    const k = series.indexOf(c.series);
    const curves = new Map(c.runs.map(run => [run.seed, pointsOf(run, c, q)]));
    if (shown.mean) {
      const points = middle([...curves.values()], byMedian.get(panel));
      lines.push({label: c.variant, k, c, runs: c.runs, points});
    }
    for (const run of c.runs) {
      if (!shown.seeds.has(run.seed)) continue;
      lines.push({label: `${c.variant}, seed ${run.seed}`, k, c, single: true, runs: [run],
                  points: curves.get(run.seed)});
    }
  }
  return lines;
}

// From the bottom of the axis to its top. Where runs diverge, the others say what can be seen.
function yRange(lines, q) {
  let low = Infinity, high = -Infinity;
  for (const calm of [true, false]) {
    if (low <= high) break;
    for (const line of lines) {
      if (calm && line.runs.some(run => run.diverged)) continue;
      for (const p of line.points) {
        for (const value of [p.y, shown.log ? p.y : p.low, p.high]) {
          if (!finite(value)) continue;
          const y = q.accuracy ? asError(Math.min(1, Math.max(0, value))) : value;
          low = Math.min(low, y);
          high = Math.max(high, y);
        }
      }
    }
  }
  if (low > high) [low, high] = [0.1, 1];
  if (shown.log) [low, high] = [Math.max(low, 1e-9) / 1.25, high * 1.25];
  else [low, high] = [low - 0.05 * (high - low || high), high + 0.05 * (high - low || high)];
  if (!q.accuracy) return [low, high];
  return [Math.min(high, 100), Math.max(low, shown.log ? leastError / 2 : 0)];
}

// Round numbers, as many as there is room for.
function ticks(a, b, pixels, q) {
  const low = Math.min(a, b), high = Math.max(a, b), room = Math.max(2, pixels / 32);
  let at = [];
  if (shown.log) {
    for (const factors of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
      at = [];
      for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); ++e) {
        at.push(...factors.map(f => f * 10 ** e).filter(x => x >= low && x <= high));
      }
      if (at.length <= room) break;
    }
  }
  if (at.length < 3) {
    const rough = (high - low) / Math.min(room, 6), power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find(f => f * power >= rough);
    at = [];
    for (let i = Math.ceil(low / step); i * step <= high; ++i) at.push(i * step);
  }
  return at.map(v => ({v, label: number(q.accuracy ? 100 - v : v, 5)}));
}

// ---- Charts ---------------------------------------------------------------------------------------------------------

const charts = [];  // those that are to be seen
let linking = false;

function element(name, properties = {}, ...children) {
  const e = document.createElement(name);
  Object.assign(e, properties);
  e.append(...children);
  return e;
}

// Two fingers zoom; one scrolls the page and taps.
const two = handler => (event, g, context) => {
  if (event.touches.length > 1 || context.zooming) Dygraph.defaultInteractionModel[handler](event, g, context);
  context.zooming = event.touches.length > 1;
};
const interaction = {...Dygraph.defaultInteractionModel, touchstart: two('touchstart'), touchmove: two('touchmove'),
                     touchend: two('touchend'), dblclick: () => unzoom()};

function unzoom() {
  shown.window = null;
  redraw();
}

class Chart {
  constructor(panel, name) {
    this.panel = panel;
    this.q = quantity(name);
    this.plot = element('div', {className: 'plot', tabIndex: 0});
    this.values = element('ul', {className: 'values'});
    const how = byMedian.get(panel) ? ', median and range of the seeds' : '';
    this.title = element('h3', {textContent: this.q.title + how});
    this.box = element('div', {className: 'chart'}, this.title, this.plot, this.values);
    this.box.dataset.quantity = name;
    this.plot.addEventListener('keydown', event => {
      const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (!by) return;
      event.preventDefault();
      this.row = Math.min(this.rows.length - 1, Math.max(1, (this.row ?? this.rows.length) + by));
      point(this.rows[this.row][0]);
    });
    this.plot.addEventListener('blur', () => point(null));
  }

  draw(range) {
    this.lines = linesOf(this.panel, this.q);
    const value = y => this.q.accuracy ? asError(Math.min(1, Math.max(0, y))) : y;
    const tiny = 1e-9;  // what a logarithmic axis shows of a band that reaches below zero
    const atX = new Map([[0, []]]);
    this.lines.forEach((line, i) => line.points.forEach(p => {
      if (!atX.has(p.x)) atX.set(p.x, []);
      const band = [p.low ?? p.y, p.y, p.high ?? p.y].map(value);
      atX.get(p.x)[i] = shown.log ? band.map(y => Math.max(y, tiny)) : band;
    }));
    const xs = [...atX.keys()].sort((a, b) => a - b);
    this.rows = xs.map(x => [x, ...this.lines.map((_, i) => atX.get(x)[i] ?? null)]);
    if (this.lines.length === 0) this.rows = [[0, null], [1, null]];
    const options = {};
    this.lines.forEach((line, i) => {
      options[i] = style(line.k);
      if (line.single) Object.assign(options[i], {strokeWidth: 1, strokePattern: null});
    });
    this.range = range || yRange(this.lines, this.q);
    if (this.g) this.g.destroy();
    linking = true;
    this.g = new Dygraph(this.plot, this.rows, {
      labels: ['x', ...(this.lines.length ? this.lines.map((_, i) => String(i)) : ['none'])],
      series: options, customBars: true, connectSeparatedPoints: true, fillAlpha: 0.16, legend: 'never',
      xlabel: {step: 'step', seconds: 'seconds of training', epoch: 'epoch'}[shown.x], xLabelHeight: 16,
      dateWindow: shown.window, valueRange: this.range, logscale: shown.log, highlightCircleSize: 3,
      drawPoints: this.lines.every(line => line.points.length < 2),
      gridLineColor: css('--line'), axisLineColor: css('--faint'), interactionModel: interaction,
      axes: {x: {pixelsPerLabel: 50, axisLabelFormatter: x => x.toLocaleString('en', {maximumSignificantDigits: 6})},
             y: {ticker: (a, b, pixels) => ticks(a, b, pixels, this.q), axisLabelWidth: 44}},
      highlightCallback: (event, x) => point(x), unhighlightCallback: () => point(null),
      drawCallback: g => follow(g), underlayCallback: (canvas, area, g) => this.marks(canvas, area, g),
    });
    linking = false;
    this.show(null);
  }

  // Where runs have diverged: a cross and their names.
  marks(canvas, area, g) {
    const ends = new Map();
    for (const c of cases) {
      if (c.panel !== this.panel || !shown.series.has(c.series)) continue;
      for (const run of c.runs.filter(r => r.diverged)) {
        const step = run.step.at(-1);
        const x = {step, seconds: run.seconds.at(-1), epoch: step / c.stepsPerEpoch}[shown.x];
        const key = `${c.variant} ${step}`;
        if (!ends.has(key)) ends.set(key, {x, c, k: series.indexOf(c.series), seeds: []});
        ends.get(key).seeds.push(run.seed);
      }
    }
    canvas.save();
    canvas.font = '11px sans-serif';
    let y = area.y + 12;
    for (const end of ends.values()) {
      const x = g.toDomXCoord(end.x);
      const label = `\u00d7 ${end.c.variant}, seed${end.seeds.length > 1 ? 's' : ''} ${end.seeds.join(', ')}`;
      if (x < area.x || x > area.x + area.w) continue;
      canvas.fillStyle = canvas.strokeStyle = style(end.k).color;
      canvas.globalAlpha = 0.4;
      canvas.setLineDash([3, 3]);
      canvas.beginPath();
      canvas.moveTo(x, area.y);
      canvas.lineTo(x, area.y + area.h);
      canvas.stroke();
      canvas.globalAlpha = 1;
      const fits = x + canvas.measureText(label).width < area.x + area.w;
      canvas.textAlign = fits ? 'left' : 'right';
      canvas.fillText(label, fits ? x - 3 : x - 4, y);
      y += 13;
    }
    canvas.restore();
  }

  // The values at x, or at the end.
  show(x) {
    const at = x === null ? 'At the end' :
        shown.x === 'step' ? `At step ${x}` :
        shown.x === 'epoch' ? `At epoch ${number(x, 4)}` : `After ${number(x, 4)} s`;
    this.values.replaceChildren(
      element('li', {className: 'at', textContent: at}),
      ...this.lines.map(line => element('li', {}, swatch(line), line.label,
                                        element('b', {textContent: this.valueAt(line, x)}))));
    const ends = this.lines.map(line => `${line.label}: ${this.valueAt(line, null)}`).join('; ');
    this.plot.setAttribute('role', 'img');
    this.plot.setAttribute('aria-label', `${this.q.title}, ${this.panel}. At the end: ${ends}`);
  }

  valueAt(line, x) {
    const diverged = line.runs.filter(run => run.diverged);
    const left = line.runs.length - diverged.length;
    let note = '';
    if (diverged.length > 0 && x === null) {
      if (left === 0) return 'diverged';
      note = ` (${diverged.length} of ${line.runs.length} diverged)`;
    }
    const last = line.points.at(-1);
    if (!last) return diverged.length > 0 ? 'diverged' : '-';
    if (x !== null && x > last.x && left === 0) return 'diverged';
    const p = x === null ? last : line.points.reduce((a, b) => Math.abs(b.x - x) < Math.abs(a.x - x) ? b : a);
    if (p.step !== x && x !== null && shown.x === 'step') note = ` (step ${p.step})`;
    const format = this.q.accuracy ? percent : number;
    if (p.deviation !== undefined) return `${this.short(p.y)} \u00b1 ${this.short(p.deviation, 2)}${note}`;
    if (p.range) return `${this.short(p.y)} (${this.short(p.low)} to ${this.short(p.high)})${note}`;
    return format(p.y) + note;
  }

  // Of a mean or a deviation.
  short(y, digits = 3) { return this.q.accuracy ? (100 * y).toFixed(2) : number(y, digits); }
}

// A piece of the line.
function swatch(line) {
  const look = style(line.k), svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('width', 26);
  svg.setAttribute('height', 10);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M0 5H26');
  path.setAttribute('stroke', look.color);
  path.setAttribute('stroke-width', line.single ? 1 : look.strokeWidth);
  if (look.strokePattern && !line.single) path.setAttribute('stroke-dasharray', look.strokePattern.join(' '));
  svg.append(path);
  return svg;
}

// The same x under the cursor in every chart.
function point(x) {
  for (const chart of charts) {
    chart.show(x);
    const row = x === null ? -1 : chart.rows.findIndex(r => r[0] === x);
    if (row >= 0) chart.g.setSelection(row);
    else chart.g.clearSelection();
  }
}

// The same part of the x axis in every chart.
function follow(g) {
  if (linking) return;
  linking = true;
  shown.window = g.isZoomed('x') ? g.xAxisRange() : null;
  for (const chart of charts) {
    if (chart.g !== g && String(chart.g.getOption('dateWindow')) !== String(shown.window)) {
      chart.g.updateOptions({dateWindow: shown.window});
    }
  }
  $('unzoom').disabled = !shown.window && charts.every(c => String(c.g.yAxisRange()) === String(c.range));
  linking = false;
}

function redraw() {
  const ranges = {};
  if (shown.same) {
    for (const q of quantities) ranges[q.name] = yRange(panels.flatMap(panel => linesOf(panel, q)), q);
  }
  for (const chart of charts) chart.draw(ranges[chart.q.name]);
  $('unzoom').disabled = !shown.window;
}

// A chart that is not to be seen has no size: those of a panel are there while it is open.
function fillPanel(details, panel) {
  for (const chart of charts.filter(c => c.panel === panel)) {
    chart.g?.destroy();
    charts.splice(charts.indexOf(chart), 1);
  }
  if (!details.open) return;
  const pair = unique(['test_accuracy', shown.beside]).filter(quantity).map(name => new Chart(panel, name));
  details.lastChild.replaceChildren(...pair.map(chart => chart.box));
  charts.push(...pair);
}

// ---- Controls -------------------------------------------------------------------------------------------------------

function checkbox(parent, label, checked, change, before = '') {
  const box = element('input', {type: 'checkbox', checked});
  box.addEventListener('change', () => {
    change(box.checked);
    redraw();
  });
  parent.append(element('label', {}, box, before, ' ' + label));
}
const toggle = (set, entry) => on => on ? set.add(entry) : set.delete(entry);

series.forEach((name, k) => {
  checkbox($('variants'), name, true, toggle(shown.series, name), swatch({k}));
});
checkbox($('seeds'), seeds.length > 1 ? 'mean and band' : 'mean', true, on => shown.mean = on);
for (const seed of seeds) checkbox($('seeds'), String(seed), false, toggle(shown.seeds, seed));

const controls = $('controls').elements;
for (const q of quantities.slice(1)) controls.beside.append(element('option', {value: q.name, textContent: q.title}));
shown.beside = controls.beside.value;
if (!cases.every(c => c.runs.length === 0 || c.stepsPerEpoch)) controls.x.querySelector('[value=epoch]').remove();
controls.x.addEventListener('change', () => {
  shown.x = controls.x.value;
  shown.window = null;
  redraw();
});
controls.beside.addEventListener('change', () => {
  shown.beside = controls.beside.value;
  panelBoxes.forEach((details, i) => fillPanel(details, panels[i]));
  redraw();
});
controls.smooth.addEventListener('input', () => {
  shown.smooth = Number(controls.smooth.value);
  controls.window.value = shown.smooth > 1 ? `mean of ${shown.smooth}` : 'off';
  redraw();
});
for (const name of ['log', 'same']) {
  controls[name].addEventListener('change', () => {
    shown[name] = controls[name].checked;
    redraw();
  });
}
$('unzoom').addEventListener('click', unzoom);
dark.addEventListener('change', redraw);

// ---- The page -------------------------------------------------------------------------------------------------------

const openAtFirst = innerWidth > 700 ? Infinity : panels.length > 2 ? 1 : 2;
const panelBoxes = panels.map((panel, i) => element(
  'details', {className: 'panel', open: i < openAtFirst}, element('summary', {textContent: panel}),
  element('div', {className: 'pair'})));
$('panels').append(...panelBoxes);
document.documentElement.classList.add('scripted');
document.documentElement.classList.toggle('drawn', document.querySelector('.pictures.still') !== null);
$('controls').hidden = $('help').hidden = false;
panelBoxes.forEach((details, i) => {
  fillPanel(details, panels[i]);
  details.addEventListener('toggle', () => {
    if (details.open === charts.some(chart => chart.panel === panels[i])) return;
    fillPanel(details, panels[i]);
    redraw();
  });
});
redraw();
})();
