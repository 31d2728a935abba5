// The table "Inside": what goes into every activation of the networks that train, the gradient that comes back, and
// what a network makes of every point of the plane.
'use strict';

// Which layers are shown: all, the first and the last, or one.
define({layers: 'all'}, {
  layers: value => /^(all|ends|[1-9]|1[0-2])$/.test(value) ? '' : 'all, ends, or the number of a layer',
});

{

const percent = share => {
  const x = 100 * share;
  return (x > 0 && x < 0.1 ? '<\u00a00.1' : x > 99 && x < 100 ? '>\u00a099' : short(x, 2)) + '\u00a0%';
};
const count = n => n.toLocaleString('en');
const rounded = (x, digits) => x < 1e7 ? count(Number(x.toPrecision(digits))) : short(x, 2);
const size = x => x === 0 ? 'exactly 0' : short(x, 3);
const isToy = () => state.data !== 'digits';
const isRelu = () => state.activation === 'relu';
const dead = () => isRelu() ? 'dead' : 'saturated';
const activationName = () => ({relu: 'ReLU', sigmoid: 'sigmoid', tanh: 'tanh'})[state.activation] || state.activation;
const dot = network => make('i', {className: 'inside-dot', style: `--of: var(${network.colour})`});

let shown = false;

// ---- What was seen --------------------------------------------------------------------------------------------------

// Of every network the last look inside, its step, and the first look.
const looks = new WeakMap();

function takeLooks() {
  for (const network of networks.list) {
    const look = looks.get(network);
    if (!network.inside || look?.inside === network.inside) continue;
    // A step that diverges made no update, and is not counted.
    const step = network.step + (network.diverged ? 1 : 0);
    looks.set(network, {inside: network.inside, step, first: look?.first || network.inside});
  }
}

const depth = () => Math.max(0, ...networks.list.map(n => looks.get(n)?.inside.activations.length || 0));
const withRole = (inside, role) => inside.parameters.filter(p => p.role === role);
const isUpToDate = n => n.diverged || looks.get(n)?.step === n.step;

// ---- In a sentence --------------------------------------------------------------------------------------------------

// What is conspicuous about a network, worst first.
function findings(network) {
  const look = looks.get(network);
  if (!look && !network.diverged) return ['Nothing has been seen of it yet.'];
  if (!look) return [`It diverged at step ${count(network.step + 1)}, before this table was open. Reset shows how.`];
  const found = [], layers = look.inside.activations, weights = withRole(look.inside, 'weight');
  if (network.diverged) {
    found.push(`It diverged at step ${count(look.step)}: its loss is no finite number any more. No update was made.`);
  }
  const shares = layers.map(l => l.dead_share), most = Math.max(...shares), worst = shares.indexOf(most) + 1;
  if (most === 1) {
    found.push(`Layer ${worst}: all of its units are ${dead()}. ` + (isRelu() ?
      'No sample gets through, and no gradient comes back: only the output layer’s bias can still learn.' :
      'Hardly any gradient gets past it.'));
  } else if (most >= 0.05) {
    found.push(`Layer ${worst}: ${percent(most)} of its units are ${dead()}.`);
  }
  if (!network.diverged && layers.length > 1) {
    const first = layers[0].gradient_rms, last = layers.at(-1).gradient_rms;
    if (first > 0 && last > 0 && Math.max(first / last, last / first) >= 3) {
      found.push(first < last ? `Gradients shrink ${rounded(last / first, 2)}-fold from the last layer to the first.` :
        `Gradients grow ${rounded(first / last, 2)}-fold from the last layer to the first.`);
    }
  }
  const spread = layers.findIndex(l => l.input_deviation > 4 || l.input_deviation < 0.25);
  if (spread >= 0) {
    const deviation = layers[spread].input_deviation;
    found.push(`Layer ${spread + 1}: what goes into the activation has spread ${deviation > 1 ? 'out' : 'little'}, ` +
      `to a deviation of ${short(deviation, 2)}.`);
  }
  if (!network.diverged) {
    const ratios = weights.map(w => w.update_ratio || 0), largest = Math.max(...ratios);
    if (largest > 0.1) {
      found.push(`${layerName(ratios.indexOf(largest), weights.length)}: one step changes the weight by ` +
        (largest < 1 ? `${percent(largest)} of` : `${short(largest, 2)} times`) + ' its size, which is a lot.');
    } else if (largest < 1e-5 && most < 1) {
      found.push('The weights hardly move.');
    }
  }
  if (found.length === 0) {
    found.push(`Nothing is conspicuous: ${most === 0 ? 'no unit is' : 'hardly any units are'} ${dead()}, ` +
      'gradients are of one size in all layers, and the steps are small beside the weights.');
  }
  return found;
}

const layerName = (k, weights) => k === weights - 1 ? 'Output layer' : `Layer ${k + 1}`;

let saidAt = 0;

function showFindings() {
  saidAt = performance.now();
  $('inside-findings').replaceChildren(...networks.list.map(network => make('div', {},
    make('h3', {}, dot(network), network.label),
    make('ul', {}, ...findings(network).slice(0, 3).map(text => make('li', {textContent: text}))))));
}

// To those who do not see it, only when it stands still.
function announce() {
  const text = networks.list.map(n => `${n.label}: ${findings(n)[0]}`).join(' ');
  $('inside-status').textContent = networks.running ? 'Training.' : `Step ${count(networks.step)}. ${text}`;
}

// ---- Charts ---------------------------------------------------------------------------------------------------------

// Shares above this are cut off: a scale that never changes is what makes pictures comparable.
const kTop = 0.15;
// In pixels: the bars at the edges, the room that they have, the axis, the line of a unit, those of all units.
const kEdgeBar = 12, kEdge = 22, kAxis = 18, kUnit = 3, kUnits = 16 * kUnit + 6;

// Asked for once in a painting.
const palette = new Map();

function paintOf(name) {
  if (!palette.has(name)) palette.set(name, css(name));
  return palette.get(name);
}

// Canvases get their size when they are laid out, and are drawn then.
const sizes = new ResizeObserver(entries => {
  for (const {target, contentRect} of entries) {
    const scale = devicePixelRatio || 1;
    target.width = Math.round(contentRect.width * scale);
    target.height = Math.round(contentRect.height * scale);
    const figure = figures.find(f => f.canvas === target);
    if (figure) paintPlane(figure);
  }
  paintSoon();
});

const total = h => h.counts.reduce((sum, n) => sum + n, 0) + h.below + h.above;

// The heights of a histogram's bars: what is below, the parts, what is above. `zeros` are below, too.
function barsOf(h, zeros = 0) {
  const all = total(h) + zeros || 1;
  return [(h.below + zeros) / all, ...h.counts.map(n => n / all), h.above / all];
}

class Chart {
  // `ticks` are [value, text], `edge` the text of the bar on the left. With `units` there is room for them.
  constructor({height, low, high, ticks, edge = '', units = false}) {
    Object.assign(this, {low, high, ticks, edge, units, parts: 0});
    this.canvas = make('canvas');
    this.canvas.setAttribute('role', 'img');
    this.canvas.style.height = `${height}px`;
    sizes.observe(this.canvas);
  }

  x(value) {
    return kEdge + Math.min(1, Math.max(0, (value - this.low) / (this.high - this.low))) * (this.width - 2 * kEdge);
  }
  y(share) { return this.floor - Math.min(1, share / kTop) * (this.floor - 2); }
  // The sides of bar i, of which the first and the last stand at the edges.
  side(i) { return kEdge + (i - 1) * (this.width - 2 * kEdge) / this.parts; }
  left(i) { return i === 0 ? 0 : i === this.parts + 1 ? this.width - kEdgeBar : this.side(i); }
  right(i) { return i === 0 ? kEdgeBar : i === this.parts + 1 ? this.width : this.side(i + 1); }

  // The bars of now and, as an outline, those of the first step; neither needs to be there.
  draw(colour, bars, first, means = [], deviations = []) {
    const scale = devicePixelRatio || 1;
    this.width = this.canvas.width / scale;
    this.height = this.canvas.height / scale;
    if (this.width === 0) return;
    this.floor = this.height - kAxis - (this.units ? kUnits : 0);
    this.parts = bars ? bars.length - 2 : 0;
    const g = this.g = this.canvas.getContext('2d');
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.font = '11px system-ui, "DejaVu Sans", sans-serif';
    this.drawAxis();
    if (bars) this.drawBars(bars, paintOf(colour));
    if (bars && first) this.drawOutline(first);
    means.forEach((mean, i) => this.drawUnit(i, mean, deviations[i], paintOf(colour)));
  }

  drawAxis() {
    const {g} = this;
    g.strokeStyle = paintOf('--line');
    g.fillStyle = paintOf('--faint');
    g.textAlign = 'center';
    g.beginPath();
    for (const [value, text] of this.ticks) {
      const x = Math.round(this.x(value)) + 0.5;
      g.moveTo(x, 0);
      g.lineTo(x, this.height - kAxis + 3);
      g.fillText(text, x, this.height - 3);
    }
    g.moveTo(0, this.floor + 0.5);
    g.lineTo(this.width, this.floor + 0.5);
    g.stroke();
    g.fillText(this.edge, kEdgeBar / 2, this.height - 3);
  }

  drawBars(bars, colour) {
    const {g} = this;
    g.fillStyle = colour;
    g.globalAlpha = 0.8;
    bars.forEach((share, i) => {
      g.fillRect(this.left(i), this.y(share), this.right(i) - this.left(i), this.floor - this.y(share));
    });
    g.globalAlpha = 1;
    // The tallest, if it is cut off, says how tall it is.
    const tallest = bars.indexOf(Math.max(...bars));
    if (bars[tallest] <= kTop) return;
    const isLeft = this.right(tallest) < this.width / 2;
    const text = [percent(bars[tallest]), isLeft ? this.right(tallest) + 4 : this.left(tallest) - 4, 13];
    g.textAlign = isLeft ? 'left' : 'right';
    g.lineWidth = 4;
    g.strokeStyle = paintOf('--paper');
    g.strokeText(...text);
    g.lineWidth = 1;
    g.fillStyle = paintOf('--ink');
    g.fillText(...text);
  }

  drawOutline(bars) {
    const {g} = this;
    g.strokeStyle = paintOf('--ink');
    g.globalAlpha = 0.55;
    g.beginPath();
    bars.forEach((share, i) => {
      const isApart = i < 2 || i > this.parts;
      isApart ? g.moveTo(this.left(i), this.y(share)) : g.lineTo(this.left(i), this.y(share));
      g.lineTo(this.right(i), this.y(share));
    });
    g.stroke();
    g.globalAlpha = 1;
  }

  // From mean - deviation to mean + deviation, with a dot at the mean.
  drawUnit(i, mean, deviation, colour) {
    const {g, low, high} = this, y = this.floor + 5 + kUnit * i;
    if (!(mean + deviation >= low && mean - deviation <= high)) return;
    const from = this.x(mean - deviation), to = this.x(mean + deviation);
    g.fillStyle = colour;
    g.globalAlpha = 0.55;
    g.fillRect(from, y, Math.max(1, to - from), 2);
    g.globalAlpha = 1;
    g.fillStyle = paintOf('--ink');
    if (mean >= low && mean <= high) g.fillRect(this.x(mean) - 1, y, 2, 2);
  }
}

// Marks on a logarithmic scale from 10^low to 10^high.
function track(low, high, marks) {
  const at = value => 100 * Math.min(1, Math.max(0, (Math.log10(value) - low) / (high - low)));
  return make('span', {className: 'inside-track', style: `--parts: ${high - low}`, 'aria-hidden': 'true'},
    ...marks.map(({value, className = '', colour}) => make('span', {
      className: `inside-mark ${className}`, style: `left: ${at(value)}%; --of: var(${colour})`})));
}

// ---- Layers ---------------------------------------------------------------------------------------------------------

// The rows of a layer's table. fill() shows what a look says of layer k in a cell: in `place`, or in the chart and the
// note below it.
const rows = [
  {
    name: () => 'Goes into the activation',
    help: () => 'The numbers of all units, for all samples of the batch: how often which. What is beyond −6 and 6 is ' +
      'in the bars at the edges. The thin outline is the first step that was seen. Below: the first 16 units, each ' +
      'from mean minus deviation to mean plus deviation. BatchNorm gives each of them mean 0 and deviation 1, then ' +
      'lets it learn others.',
    chart: {height: 168, low: -6, high: 6, ticks: [[-6, '−6'], [-3, '−3'], [0, '0'], [3, '3'], [6, '6']], units: true},
    fill: ({chart, note}, network, look, k) => {
      const a = look.inside.activations[k], h = a.input, all = total(h) || 1;
      chart.draw(network.colour, barsOf(h), barsOf(look.first.activations[k].input), a.unit_mean, a.unit_deviation);
      note.textContent = `${percent(h.below / all)} below\u00a0−6, ${percent(h.above / all)} above\u00a06`;
      chart.canvas.setAttribute('aria-label', `Histogram: ${middleHalf(h)}; ${note.textContent}.`);
    },
  },
  {
    name: () => 'Its mean and deviation',
    help: () => 'The middle of these numbers, and how far from it they typically are.',
    fill: ({place}, network, look, k) => {
      const a = look.inside.activations[k];
      // Of a normalized layer, rounding is left.
      const mean = Math.abs(a.input_mean) < 1e-5 * a.input_deviation ? 0 : a.input_mean;
      place.textContent = `${short(mean, 2)} and ${short(a.input_deviation, 2)}`;
    },
  },
  {
    name: () => 'Its gradient',
    help: () => 'How strongly the loss would change with each of these numbers, without the sign. Each line to the ' +
      'left is a thousandth of the one before. The bar at the left edge is what is exactly 0' +
      (isRelu() ? ': that of every number that ReLU makes zero.' : ' or below 10⁻¹⁰.'),
    chart: {height: 112, low: -10, high: 0, edge: '0', ticks: [[-9, '10⁻⁹'], [-6, '10⁻⁶'], [-3, '10⁻³'], [0, '1']]},
    fill: ({chart, note}, network, look, k) => {
      const bars = a => a.gradient.counts.length > 0 ? barsOf(a.gradient, a.zero_gradients) : null;
      const a = look.inside.activations[k], {below, above} = a.gradient, all = a.samples * a.units;
      chart.draw(network.colour, bars(a), bars(look.first.activations[k]));
      note.textContent = !bars(a) ? 'No gradient: the step diverged.' : `${percent(a.zero_gradients / all)} exactly 0` +
        (below > 0 ? `, ${percent(below / all)} below 10⁻¹⁰` : '') +
        (above > 0 ? `, ${percent(above / all)} above 1` : '');
      chart.canvas.setAttribute('aria-label', `Histogram of sizes: ${note.textContent}`);
    },
  },
  {
    name: () => 'Its typical size',
    help: () => 'The root mean square of the gradient. Compare it from layer to layer: what is much smaller in the ' +
      'first layers than in the last has vanished on its way back.',
    fill: ({place}, network, look, k) => {
      const a = look.inside.activations[k];
      place.textContent = a.gradient.counts.length > 0 ? size(a.gradient_rms) : 'none';
    },
  },
  {
    name: () => isRelu() ? 'Dead units' : 'Saturated units',
    help: () => isRelu() ? 'Units that are negative for every sample of the batch. Nothing gets through them and no ' +
      'gradient comes back, so this step teaches them nothing.' :
      'Units that are so close to a limit of the activation, for every sample of the batch, that hardly any ' +
      'gradient comes back.',
    fill: ({place}, network, look, k) => {
      const {dead_share: share, units} = look.inside.activations[k];
      place.replaceChildren(percent(share),
        make('small', {textContent: `${Math.round(share * units)} of ${units}`}),
        make('span', {className: 'inside-share', style: `--share: ${share}; --of: var(${network.colour})`,
                      'aria-hidden': 'true'}));
    },
  },
  {
    name: () => 'Update over weight',
    help: () => 'The size of the weight’s change in this step beside the weight itself. Near 10⁻³ (the shaded part) ' +
      'is usual. Near 1 the step throws away what was learned; far below, hardly anything happens. From 10⁻⁶ to 1.',
    ofOutput: true,
    fill: ({place}, network, look, k) => {
      const ratio = network.diverged ? null : withRole(look.inside, 'weight')[k].update_ratio;
      const marks = ratio === null ? [] : [{value: ratio, colour: network.colour}];
      const text = network.diverged ? 'no update: it diverged' : ratio === null ? 'the weight is 0' : size(ratio);
      place.replaceChildren(text, track(-6, 0, marks));
      place.lastChild.classList.add('inside-usual');
    },
  },
];

// Where the middle half of a histogram lies, in words.
function middleHalf(h) {
  const parts = [h.below, ...h.counts, h.above], all = total(h), width = (h.high - h.low) / h.counts.length;
  if (all === 0) return 'no numbers';
  const at = share => {
    let sum = 0;
    const i = parts.findIndex(n => (sum += n) >= share * all);
    if (i === 0) return `below ${short(h.low)}`;
    return i === parts.length - 1 ? `above ${short(h.high)}` : short(h.low + (i - 0.5) * width, 2);
  };
  return `the middle half of the numbers lies between ${at(0.25)} and ${at(0.75)}`;
}

let cells = [];  // {row, k, network, place, chart, note}
let built = '';  // what for

function shownLayers() {
  const all = Array.from({length: depth()}, (_, k) => k), last = all.length - 1;
  if (state.layers === 'ends') return all.filter(k => k === 0 || k === last);
  const one = Number(state.layers) - 1;
  return all.includes(one) ? [one] : all;
}

function layerCell(row, k, network) {
  const cell = {row, k, network, place: make('div')};
  if (row.chart) {
    cell.chart = new Chart(row.chart);
    cell.note = make('small');
    cell.place.append(cell.chart.canvas, cell.note);
  }
  cells.push(cell);
  // On a narrow screen, where columns are not below their heads, cells say whose they are.
  const whose = make('span', {className: 'inside-of', 'aria-hidden': 'true'}, dot(network), network.label);
  return make('td', {}, whose, cell.place);
}

function layerTable(title, k, itsRows, explained) {
  const head = make('tr', {}, make('td'), ...networks.list.map(n => make('th', {scope: 'col'}, dot(n), n.label)));
  const body = itsRows.map(row => make('tr', {},
    make('th', {scope: 'row'}, row.name(), ...explained ? [make('small', {textContent: row.help()})] : []),
    ...networks.list.map(network => layerCell(row, k, network))));
  return make('table', {className: networks.list.length > 2 ? 'inside-layer inside-many' : 'inside-layer'},
    make('caption', {}, title), make('thead', {}, head), make('tbody', {}, ...body));
}

// Builds the tables, unless they are there.
function build() {
  const layers = shownLayers(), kinds = networks.list.map(n => n.kind);
  const units = (networks.list.map(n => looks.get(n)).find(look => look)?.inside.activations || []).map(a => a.units);
  const key = JSON.stringify([kinds, layers, units, state.activation]);
  if (key === built) {
    for (const cell of cells) cell.network = networks.list.find(n => n.kind === cell.network.kind);
    return;
  }
  built = key;
  sizes.disconnect();
  for (const figure of figures) sizes.observe(figure.canvas);
  cells = [];
  const tables = layers.map((k, i) =>
    layerTable(`Layer ${k + 1}: ${count(units[k])} units, ${activationName()}`, k, rows, i === 0));
  if (layers.length > 0 && layers.at(-1) === depth() - 1) {
    tables.push(layerTable('Output layer: no activation', depth(), rows.filter(row => row.ofOutput), false));
  }
  $('inside-layers').replaceChildren(...tables);
  buildChoice();
}

function buildChoice() {
  const select = $('inside-shown');
  const options = [['all', 'all'], ['ends', 'first and last'],
                   ...Array.from({length: depth()}, (_, k) => [String(k + 1), `only layer ${k + 1}`])];
  select.replaceChildren(...options.map(([value, textContent]) => make('option', {value, textContent})));
  select.value = options.some(([value]) => value === state.layers) ? state.layers : 'all';
  $('inside-choice').hidden = depth() < 3;
}

// ---- The bias that cancels ------------------------------------------------------------------------------------------

function showBias() {
  const place = $('inside-bias'), network = networks.list.find(n => n.kind === 'keep'), look = looks.get(network);
  if (network) {
    place.replaceChildren(...look ? biasTable(network, look) : ['Nothing has been seen of it yet.']);
  } else if (!$('inside-keep')) {
    const button = make('button', {id: 'inside-keep', textContent: 'Add a network that keeps the bias'});
    button.onclick = () => change({nets: `${state.nets},keep`});
    place.replaceChildren(make('p', {}, 'Tare leaves such a bias out. None of the networks above has one.'), button,
      make('small', {textContent: 'All networks then start anew.'}));
  }
}

function biasTable(network, look) {
  const biases = withRole(look.inside, 'bias').filter(b => b.cancelled).map(b => b.gradient_norm);
  const betas = withRole(look.inside, 'beta').map(b => b.gradient_norm);
  const bias = {className: 'inside-square', colour: '--gradient'}, beta = {colour: '--value'};
  const key = ({colour, className = 'inside-round'}) =>
    make('i', {className: `inside-dot ${className}`, style: `--of: var(${colour})`});
  const heads = [['Layer'], [key(bias), 'Bias'], ['From 10⁻¹² to 1'], [key(beta), 'Beta']];
  const table = make('table', {className: 'inside-biases'},
    make('caption', {}, dot(network), `${network.label}: sizes (norms) of the gradients at step ${count(look.step)}`),
    make('thead', {}, make('tr', {}, ...heads.map(text => make('th', {scope: 'col'}, ...text)))),
    make('tbody', {}, ...biases.map((b, i) => make('tr', {},
      make('th', {scope: 'row', textContent: String(i + 1)}),
      make('td', {textContent: size(b)}),
      make('td', {}, track(-12, 0, [{...bias, value: b}, {...beta, value: betas[i]}])),
      make('td', {textContent: size(betas[i])})))));
  let text = 'In layer 1, even the rounding has cancelled.';
  if (network.diverged) {
    text = 'The last step diverged: these are the gradients of the step before.';
  } else if (biases[0] > 0) {
    text = `In layer 1, beta’s gradient is ${rounded(betas[0] / biases[0], 1)} times as large as the bias’s. ` +
      'What is left of the bias’s is the rounding of 32-bit numbers.';
  }
  return [table, make('p', {textContent: text})];
}

// ---- Decision regions -----------------------------------------------------------------------------------------------

// Of the classes: Okabe and Ito's, none of which is a network's. Points differ by their shape, too.
const kClasses = [{rgb: [86, 180, 233], shape: 'circles'}, {rgb: [230, 159, 0], shape: 'squares'},
                  {rgb: [204, 121, 167], shape: 'triangles'}];
const kSide = 256;
let points = null;  // {labels, bytes}
let figures = [];  // {network, canvas, caption, plane: a canvas of 256 x 256, reply}

function buildRegions() {
  const place = $('inside-regions');
  points = null;
  for (const figure of figures) sizes.unobserve(figure.canvas);
  figures = [];
  if (!isToy()) {
    const button = make('button', {id: 'inside-spirals', textContent: 'Train on two spirals'});
    button.onclick = () => change({data: 'spirals'});
    place.replaceChildren(make('p', {}, 'A region is the part of the plane that a network takes for one class. It ' +
      'can be drawn for data of two numbers a sample. A digit has 784.'), button,
      make('small', {textContent: 'Points in the plane instead of digits; all networks start anew.'}));
    return;
  }
  const legend = make('p', {className: 'faint inside-legend'});
  const list = make('div', {className: 'inside-planes'}, ...networks.list.map(network => {
    const canvas = make('canvas');
    canvas.setAttribute('role', 'img');
    sizes.observe(canvas);
    const caption = make('small');
    figures.push({network, canvas, caption, plane: make('canvas', {width: kSide, height: kSide}), reply: null});
    return make('figure', {}, canvas, make('figcaption', {}, make('b', {}, dot(network), network.label), caption));
  }));
  place.replaceChildren(make('p', {}, 'Every point of the plane has the colour of the class that the network takes ' +
    'it for, fainter where it is less sure. On top are points that it trains on.'), legend, list);
  const of = figures;
  networks.made?.then(async () => {
    const reply = await networks.list[0].engine.ask({ask: 'samples', count: 200});
    if (figures !== of) return;
    points = reply;
    const classes = Math.max(...reply.labels) + 1;
    legend.replaceChildren(...kClasses.slice(0, classes).map(({rgb, shape}, c) => make('span', {},
      make('i', {className: 'inside-dot', style: `--of: rgb(${rgb})`}), `class ${c}, ${shape}`)));
    of.forEach(lookAtRegions);
  }).catch(fail);
}

// A few times a second at most, and so that it takes no more than a quarter of the engine's time.
async function lookAtRegions(figure) {
  figure.again = true;
  if (figure.busy) return;
  figure.busy = true;
  try {
    while (figure.again && shown && figures.includes(figure)) {
      figure.again = false;
      const begin = performance.now();
      figure.reply = await figure.network.engine.ask({ask: 'regions'});
      paintPlane(figure);
      const pause = Math.max(still.matches ? 1000 : 300, 3 * (performance.now() - begin));
      await new Promise(resolve => setTimeout(resolve, pause));
    }
  } catch (error) {
    fail(error);
  } finally {
    figure.busy = false;
  }
}

function paintPlane({canvas, caption, plane, reply, network}) {
  if (!reply || !points) return;
  const g = canvas.getContext('2d'), {labels} = points;
  const classes = Math.max(...labels) + 1;
  paintRegions(plane.getContext('2d'), reply.bytes, classes);
  g.clearRect(0, 0, canvas.width, canvas.height);
  g.drawImage(plane, 0, 0, canvas.width, canvas.height);
  labels.forEach((label, i) => drawPoint(g, label, points.bytes[2 * i], points.bytes[2 * i + 1]));

  const classAt = i => reply.bytes[points.bytes[2 * i + 1] * kSide + points.bytes[2 * i]];
  const right = labels.filter((label, i) => classAt(i) === label).length;
  caption.textContent = `${right} of these ${labels.length} points lie in the region of their class.`;
  const cover = Array(classes).fill(0);
  for (let i = 0; i < kSide ** 2; ++i) ++cover[reply.bytes[i]];
  const parts = cover.map((n, c) => `class ${c} ${percent(n / kSide ** 2)}`).join(', ');
  canvas.setAttribute('aria-label', `Regions of ${network.label}, shares of the plane: ${parts}.`);
}

// `bytes` are a class for every point of the plane and then a probability, 255 for 1.
function paintRegions(g, bytes, classes) {
  const image = g.createImageData(kSide, kSide);
  for (let i = 0; i < kSide ** 2; ++i) {
    const {rgb} = kClasses[bytes[i]], guess = 1 / classes;
    const sure = Math.max(0, (bytes[kSide ** 2 + i] / 255 - guess) / (1 - guess));
    image.data.set([...rgb, 255 * (0.12 + 0.68 * sure)], 4 * i);
  }
  g.putImageData(image, 0, 0);
}

function drawPoint(g, label, x, y) {
  const {rgb, shape} = kClasses[label], {width} = g.canvas;
  g.setTransform(width / 80, 0, 0, width / 80, (x + 0.5) * width / kSide, (y + 0.5) * width / kSide);
  g.beginPath();
  if (shape === 'circles') g.arc(0, 0, 0.55, 0, 2 * Math.PI);
  if (shape === 'squares') g.rect(-0.5, -0.5, 1, 1);
  if (shape === 'triangles') {
    g.moveTo(0, -0.65);
    g.lineTo(0.65, 0.5);
    g.lineTo(-0.65, 0.5);
    g.closePath();
  }
  g.fillStyle = `rgb(${rgb})`;
  g.fill();
  g.lineWidth = 0.2;
  g.strokeStyle = paintOf('--ink');
  g.stroke();
  g.resetTransform();
}

// ---- At every look --------------------------------------------------------------------------------------------------

let painting = false, paintingTime = 0;

// Painting takes a third of the time at most, so that a slow machine hears its buttons.
function paintSoon() {
  if (painting || !shown) return;
  painting = true;
  const pause = networks.running && still.matches ? 500 : 2 * paintingTime;
  setTimeout(() => requestAnimationFrame(paint), pause);
}

function paint() {
  const begin = performance.now();
  painting = false;
  // After a reset the old pictures stay until there are new ones.
  if (!shown || networks.list.every(n => !looks.get(n) && !n.diverged)) return;
  palette.clear();
  build();
  for (const cell of cells) {
    const look = looks.get(cell.network);
    if (look) {
      cell.row.fill(cell, cell.network, look, cell.k);
    } else {
      (cell.note || cell.place).textContent = 'It diverged before this table was open.';
      cell.chart?.canvas.setAttribute('aria-label', 'Nothing to be seen');
      cell.chart?.draw();
    }
  }
  $('inside-count').textContent = `Step ${count(networks.step)}`;
  if (!networks.running || performance.now() - saidAt > 1500) showFindings();
  showBias();
  paintingTime = performance.now() - begin;
}

function showState() {
  $('inside-start').textContent = networks.running ? 'Pause' : 'Start';
  const layers = `${state.depth} hidden layer${state.depth === 1 ? '' : 's'} of ${state.width} units`;
  $('inside-setting').replaceChildren(`${isToy() ? `The toy set ${state.data}` : 'Digits'}, ${layers}, ` +
    `${activationName()}, learning rate ${short(state.lr)}, ${state.batch} samples a batch. `,
    make('a', {href: address('curves'), textContent: 'Change them in Curves'}), '.');
}

function fail(error) {
  if (error.message !== 'stopped') complain($('inside-failure'), error);
}

// A step, if there is no look at the networks as they are.
let looking = null;  // at these networks

async function lookNow() {
  const {list} = networks;
  if (!shown || looking === list || networks.running || networks.error || list.every(isUpToDate)) return;
  looking = list;
  await networks.stepOnce();
  if (looking === list) looking = null;
}

networks.on(event => {
  if (event === 'made') {
    complain($('inside-failure'), null);
    if (shown) buildRegions();
  }
  if (event === 'failed' && shown) fail(networks.error);
  if (event === 'round' && networks.inspect) takeLooks();
  if (!shown) return;
  showState();
  paintSoon();
  if (event === 'round') {
    if (points) figures.forEach(lookAtRegions);
    // Who resets it while it runs goes on by itself.
    queueMicrotask(lookNow);
  }
  if (event === 'state' || (event === 'round' && !networks.running)) announce();
});

onChange.add(() => {
  if (!shown) return;
  showState();
  paintSoon();
});

dark.addEventListener('change', () => {
  palette.clear();
  paintSoon();
  figures.forEach(paintPlane);
});

$('inside-start').onclick = () => networks.running ? networks.pause() : networks.start();
$('inside-step').onclick = () => networks.stepOnce();
$('inside-reset').onclick = () => networks.reset();
$('inside-shown').onchange = event => change({layers: event.target.value});

tables.inside = {
  show() {
    shown = true;
    networks.inspect = true;
    networks.list.length === 0 ? networks.reset() : buildRegions();
    complain($('inside-failure'), networks.error);
    showState();
    paintSoon();
    lookNow();
  },
  hide() {
    shown = false;
    networks.inspect = false;
  },
};

}
