// The tape: one step of a tiny network, forward and backward, one entry at a time.
'use strict';

{

// ---- What the ops do ------------------------------------------------------------------------------------------------

// Of each op: what it does, its value, and its pullback, in which G or g is the gradient of its value and Σ sums over
// the batch. `roles` are the names of its results in this network, in their order.
const normalized = ['x̂ = (x − μ) / s with s = √(σ² + ε), ε = 0.00001', 'y = γ x̂ + β'];
const ops = {
  constant: {
    says: 'Data. Nobody asks for its gradient, so it has none.',
    value: [], pull: [],
  },
  leaf: {
    says: 'A parameter: a matrix that is trained. Its gradient is the aim of the whole step: the optimizer moves the ' +
      'parameter against it.',
    value: [], pull: [],
  },
  linear: {
    roles: ['z', 'logits'],
    says: 'Each output is a weighted sum of a row of X, plus a bias.',
    value: ['Y = X Wᵀ + b, b added to each row'],
    pull: ['dX += G W', 'dW += Gᵀ X', 'db += the sum of the rows of G'],
  },
  batch_norm: {
    roles: ['y'],
    says: 'Gives each column of the batch mean 0 and variance 1, then scales it by γ and shifts it by β. Mean and ' +
      'variance contain every sample, so the gradient has a part through each of them.',
    value: ['μ, σ² = mean and variance of each column', ...normalized],
    pull: ['dγ += Σ g x̂', 'dβ += Σ g', 'dx += γ / (N s) · (N g − Σ g − x̂ Σ g x̂)'],
  },
  batch_norm_diagonal_gradient: {
    roles: ['y'],
    says: 'The values of BatchNorm, and a gradient that goes wrong: each xᵢ is seen as influencing only its own ' +
      'output.',
    value: ['y as batch_norm has it'],
    pull: ['dγ += Σ g x̂', 'dβ += Σ g', 'dx += γ / (N s) · (N − 1 − x̂²) g, which is wrong'],
  },
  layer_norm: {
    roles: ['y'],
    says: 'Gives each row, so each sample by itself, mean 0 and variance 1, then scales by γ and shifts by β. No ' +
      'sample sees another.',
    value: ['μ, σ² = mean and variance of each row', ...normalized],
    pull: ['dγ += Σ g x̂', 'dβ += Σ g', 'dx += (h − mean(h) − x̂ mean(h x̂)) / s with h = γ g'],
  },
  relu: {
    roles: ['hidden'],
    says: 'Sets what is negative to zero. Where it did, no gradient passes.',
    value: ['y = max(x, 0)'], pull: ['dx += g where x > 0'],
  },
  softmax_cross_entropy: {
    roles: ['loss'],
    says: 'Turns each row of logits into probabilities p, and takes −log of that of the right class, on average over ' +
      'the N samples. Less is better; a guess between two classes has 0.693.',
    value: ['pᵢₖ = exp(zᵢₖ) / Σₖ exp(zᵢₖ)', 'L = mean of −log p of the label'],
    pull: ['dzᵢₖ += g / N · (pᵢₖ − 1 if k is the label, else pᵢₖ)'],
  },
  col_mean: {
    roles: ['mean', 'variance'],
    says: 'The mean of each column, over the batch.',
    value: ['y = Σ a / N'], pull: ['da += g / N, in each row'],
  },
  sub_row: {
    roles: ['x − mean'],
    says: 'Takes one row from each row.',
    value: ['y = a − r'], pull: ['da += g', 'dr −= Σ g'],
  },
  square: {
    roles: ['(x − mean)²'],
    says: 'Each number times itself.',
    value: ['y = a²'], pull: ['da += 2 a g'],
  },
  add_scalar: {
    roles: ['variance + ε'],
    says: 'Adds a constant, here ε = 0.00001, so that nothing is divided by zero.',
    value: ['y = a + ε'], pull: ['da += g'],
  },
  rsqrt: {
    roles: ['1 / s'],
    says: 'One over the square root.',
    value: ['y = 1 / √a'], pull: ['da −= g y³ / 2'],
  },
  mul_row: {
    roles: ['x̂', 'γ x̂'],
    says: 'Multiplies each row by one row, number by number.',
    value: ['y = a r'], pull: ['da += g r', 'dr += Σ g a'],
  },
  add_row: {
    roles: ['y'],
    says: 'Adds one row to each row.',
    value: ['y = a + r'], pull: ['da += g', 'dr += Σ g'],
  },
};

const norms = {
  batch: 'Each column over the batch. The gradient is worked out by hand: one pullback.',
  composed: 'The same from small ops, each with a simple pullback: the tape derives the gradient itself.',
  layer: 'Each row over its own numbers. No sample sees another.',
  none: 'Nothing between Linear and ReLU.',
  diagonal: 'The values of BatchNorm and a wrong gradient. Compare those of b1 and w1 with the right ones.',
};

// tapeAt: how many entries are done, first forward, then backward; -1: all.
const kMostEntries = 100;  // no tape here has as many
define({tapeNorm: 'batch', tapeBias: 0, tapeAt: -1}, {
  tapeNorm: name => Object.hasOwn(norms, name) ? '' : `one of ${Object.keys(norms).join(', ')}`,
  tapeBias: value => Math.abs(value) <= 3 ? '' : 'a number from −3 to 3',
  tapeAt: value => Number.isInteger(value) && value >= -1 && value <= kMostEntries ? '' :
    'how many entries are done, or −1 for all',
});

const sources = JSON.parse($('sources').textContent);

// ---- The step -------------------------------------------------------------------------------------------------------

let engine;          // made when the table is first shown
let inputs = {};     // what the step begins with, by name; rows of numbers
let firstInputs;
let step, before;    // entries now, and those they are compared with, if any
let cause = '';      // what was changed since `before`
let chosen = 0, hovered = null;  // entries
let asked = 0;       // requests, so that only the last one's answer is shown
let playing = 0;     // a timer's id

const last = () => 2 * step.length;
const at = () => state.tapeAt < 0 ? last() : Math.min(state.tapeAt, last());
const hasValue = i => at() > i;
const hasGradient = i => at() >= last() - i && step[i].gradient !== null;
// The entry that the last move was about; null at the beginning.
const current = () => at() === 0 ? null : at() <= step.length ? at() - 1 : last() - at();

// Answers of a float differ by rounding where nothing moves in exact arithmetic.
const isMove = (now, was) => Math.abs(now - was) > 1e-6 * Math.max(1, Math.abs(now), Math.abs(was));
const moves = (i, what) => !before || !step[i][what] ? [] :
  step[i][what].map((x, k) => isMove(x, before[i][what][k]) ? x - before[i][what][k] : 0);
const largest = numbers => numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const difference = (a, b) => largest(a.map((x, k) => x - b[k]));

const entriesOf = answer => {
  const count = {};
  return answer.entries.map(entry => {
    const n = count[entry.op] = (count[entry.op] ?? -1) + 1;
    return {...entry, role: ops[entry.op].roles?.[n] ?? ''};
  });
};

// Computes the step anew. `compare`: with 'bias', the one without the added constant; with 'last', the one before.
async function compute(compare, why = '') {
  const offset = state.tapeBias, mine = ++asked;
  const request = {ask: 'tape', norm: state.tapeNorm, ...inputs};
  const [answer, plain] =
    await Promise.all([engine.ask({...request, bias_offset: offset}), engine.ask({...request, bias_offset: 0})]);
  if (mine !== asked) return;
  if (!firstInputs) {
    const {bias_offset, ...found} = answer.inputs;
    firstInputs = found;
    inputs = structuredClone(found);
  }
  const now = entriesOf(answer), without = entriesOf(plain);
  before = compare === 'bias' && offset ? without : compare === 'last' && step?.length === now.length ? step : null;
  cause = why;
  const built = step && step.map(e => e.op).join() === now.map(e => e.op).join();
  step = now;
  if (!built) build();
  fill();
  sayBias(without, offset);
  sayMoved();
  sayDerivations(answer.derivations);
  show();
}

const recompute = () => compute('bias').catch(error => complain($('tape-failure'), error));

// ---- The graph ------------------------------------------------------------------------------------------------------

let cards = [], edges = [];

// A number in a column of others: with this many decimal places, fewer if it is large, or with an exponent.
function inColumn(x, places) {
  const size = Math.abs(x);
  const left = size < 0.5 * 10 ** -places ? places + 1 : size < 10 ? places : size < 100 ? places - 1 : places - 2;
  const text = x === 0 ? '0' : size < 0.05 * 10 ** -places || size >= 1e4 ?
    x.toExponential(places > 2 ? 1 : 0).replace('e+', 'e') : x.toFixed(left);
  return text.replaceAll('-', '−');
}

// Row of the graph for each entry: an op stands below its operands, a leaf one above the op that it is for.
function rowsOfGraph() {
  const rows = step.map(() => 0);
  step.forEach((e, i) => {
    if (e.operands.length) rows[i] = 1 + Math.max(...e.operands.map(p => rows[p]));
  });
  step.forEach((e, i) => {
    if (e.op !== 'leaf') return;
    rows[i] = Math.min(...step.flatMap((user, u) => user.operands.includes(i) ? [rows[u] - 1] : []));
  });
  return rows;
}

// The line from the data to the loss, through first operands; all else stands beside it.
function mainLine() {
  const line = new Set();
  for (let i = step.length - 1; i !== undefined; i = step[i].operands[0]) line.add(i);
  return line;
}

// A name that may go on in the next line after an underscore.
const breakable = name => name.split(/(?<=_)/).flatMap(part => [make('wbr'), part]);

function build() {
  const graph = $('tape-graph'), rows = rowsOfGraph(), main = mainLine(), sides = {};
  const svg = make('svg:svg', {'aria-hidden': 'true'});
  graph.replaceChildren(svg);
  edges = [];
  cards = step.map((e, i) => {
    const kind = e.op === 'leaf' ? ' tape-parameter' : e.op === 'constant' ? ' tape-data' : '';
    const matrix = what => make('span', {className: `tape-matrix tape-${what}`,
      style: `grid-template-columns: repeat(${e.cols}, auto)`}, ...e.value.map(() => make('span')));
    const card = make('button', {className: 'tape-card' + kind, id: `tape-entry-${i}`},
      make('span', {className: 'tape-head'}, make('i', {textContent: i}), make('b', {}, ...breakable(e.name)),
        make('i', {textContent: e.role}), make('i', {textContent: `${e.rows} × ${e.cols}`})),
      make('span', {className: 'tape-numbers'}, matrix('value'), ...(e.gradient ? [matrix('gradient')] : [])));
    card.onfocus = () => choose(i);
    card.onclick = event => {
      choose(i);
      // By Enter, not by a mouse: on to its numbers, to which Tab leads only through the other boxes.
      if (event.detail === 0) panel.edit.querySelector(':scope:not([hidden]) input')?.focus();
    };
    card.onpointerenter = event => event.pointerType === 'mouse' && hover(i);
    card.onpointerleave = () => hover(null);
    if (main.has(i)) {
      card.style.gridArea = `${rows[i] + 1} / 1`;
      graph.append(card);
    } else {
      if (!sides[rows[i]]) {
        sides[rows[i]] = make('div', {className: 'tape-side'});
        sides[rows[i]].style.gridArea = `${rows[i] + 1} / 2`;
        graph.append(sides[rows[i]]);
      }
      sides[rows[i]].append(card);
    }
    e.operands.forEach(from => {
      const line = make('svg:path', {class: 'tape-line'}), head = make('svg:path');
      const element = make('svg:g', {}, line, head);
      svg.append(element);
      edges.push({from, to: i, across: main.has(from) ? main.has(i) ? 'down' : 'out' : main.has(i) ? 'in' : 'down',
        element, line, head});
    });
    return card;
  });
  [chosen] = state.tapeAt > 0 ? [current()] : step.find(e => e.op === 'relu').operands;
}

function fill() {
  cards.forEach((card, i) => {
    for (const what of ['value', 'gradient']) {
      if (!step[i][what]) continue;
      const cells = card.querySelector(`.tape-${what}`).children, moved = moves(i, what);
      step[i][what].forEach((x, k) => {
        cells[k].textContent = inColumn(x, 2);
        cells[k].className = moved[k] ? 'moved' : '';
      });
    }
  });
  drawEdges();
}

// Lines run from box to box: down a column, out of the main line into the other column, or in from there.
function drawEdges() {
  const graph = $('tape-graph'), frame = graph.getBoundingClientRect();
  const box = i => {
    const r = cards[i].getBoundingClientRect();
    return {left: r.left - frame.left, right: r.right - frame.left,
      top: r.top - frame.top, bottom: r.bottom - frame.top,
      x: (r.left + r.right) / 2 - frame.left, y: (r.top + r.bottom) / 2 - frame.top};
  };
  for (const edge of edges) {
    const a = box(edge.from), b = box(edge.to);
    if (edge.across === 'down') {
      edge.line.setAttribute('d', `M${a.x} ${a.bottom}V${b.top - 1}`);
      edge.head.setAttribute('d', `M${b.x - 4} ${b.top - 7}l4 6l4 -6`);
    } else if (edge.across === 'out') {
      const y = a.bottom - 10, bend = b.left - a.right;
      edge.line.setAttribute('d',
        `M${a.right} ${y}C${a.right + bend} ${y} ${b.left - bend} ${b.y} ${b.left - 1} ${b.y}`);
      edge.head.setAttribute('d', `M${b.left - 7} ${b.y - 4}l6 4l-6 4`);
    } else {
      const beside = edges.filter(e => e.to === edge.to && e.across === 'in');
      const y = b.top + (b.bottom - b.top) * (beside.indexOf(edge) + 1) / (beside.length + 1);
      const bend = a.left - b.right;
      edge.line.setAttribute('d',
        `M${a.left} ${a.y}C${a.left - bend} ${a.y} ${b.right + bend} ${y} ${b.right + 1} ${y}`);
      edge.head.setAttribute('d', `M${b.right + 7} ${y - 4}l-6 4l6 4`);
    }
  }
}

new ResizeObserver(() => { if (step) drawEdges(); }).observe($('tape-graph'));

// ---- Step by step ---------------------------------------------------------------------------------------------------

const operandsOf = entry => entry.operands.map(p => `${p} ${step[p].name}`).join(', ');

function show() {
  const here = current(), position = at(), n = step.length, back = position > n;
  $('tape-position').textContent = position === 0 ? 'at the beginning' :
    `${back ? 'backward' : 'forward'}, ${back ? position - n : position} of ${n}: ${step[here].name}`;
  $('tape-first').disabled = $('tape-back').disabled = position === 0;
  $('tape-last').disabled = $('tape-next').disabled = position === last();
  $('tape-play').textContent = playing ? 'Pause' : 'Play';
  cards.forEach((card, i) => {
    card.querySelector('.tape-value').classList.toggle('unknown', !hasValue(i));
    card.querySelector('.tape-gradient')?.classList.toggle('unknown', !hasGradient(i));
    card.classList.toggle('current', i === here);
    card.classList.toggle('chosen', i === chosen);
    card.setAttribute('aria-pressed', i === chosen);
    const e = step[i], known = [hasValue(i) && 'value', hasGradient(i) && 'gradient'].filter(Boolean);
    card.setAttribute('aria-label', [`${i}: ${e.name}`, e.role, `${e.rows} by ${e.cols}`, operandsOf(e) &&
      `of ${operandsOf(e)}`, known.length ? known.join(' and ') + ' known' : 'nothing known yet']
      .filter(Boolean).join(', '));
  });
  for (const {from, to, element} of edges) {
    element.setAttribute('class', to === here && step[to].gradient && back ? 'backward' :
      to === here && !back ? 'forward' : hasValue(to) ? 'known' : '');
  }
  showPanel();
}

function goTo(position) {
  position = Math.max(0, Math.min(last(), position));
  change({tapeAt: position === last() ? -1 : position});
  cards[chosen].scrollIntoView({block: 'nearest', behavior: still.matches ? 'auto' : 'smooth'});
}

function pause() {
  clearTimeout(playing);
  playing = 0;
  if (step) show();
}

function playOn() {
  goTo(at() + 1);
  playing = at() === last() ? 0 : setTimeout(playOn, 1400);
  show();
}

$('tape-play').onclick = () => {
  if (playing) return pause();
  if (!step) return;
  if (at() === last()) goTo(0);
  playing = setTimeout(playOn, 500);
  show();
};
const move = where => () => {
  if (!step) return;
  pause();
  goTo(where());
};
const moveOn = move(() => at() + 1), moveBack = move(() => at() - 1);
$('tape-first').onclick = move(() => 0);
$('tape-back').onclick = moveBack;
$('tape-next').onclick = moveOn;
$('tape-last').onclick = move(last);
document.addEventListener('keydown', event => {
  const mine = table === 'tape' && step && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
  if (!mine || event.target.closest('input, select, pre, [role=tab]')) return;
  if (event.key === 'ArrowRight') moveOn();
  else if (event.key === 'ArrowLeft') moveBack();
  else return;
  event.preventDefault();
});

// ---- One entry ------------------------------------------------------------------------------------------------------

function choose(i) {
  if (playing) pause();
  chosen = i;
  hovered = null;
  show();
}

// Shows an entry for as long as the mouse is on it, unless something is typed.
function hover(i) {
  if (!step || $('tape-panel').contains(document.activeElement)) return;
  hovered = i;
  showPanel();
}

const panel = {title: make('h3'), says: make('p'), formulas: make('dl'), edit: make('fieldset', {id: 'tape-edit'}),
  all: make('div', {id: 'tape-all'}), code: make('figure')};
const wrongText = make('p', {role: 'alert', id: 'tape-wrong-text', hidden: true});
const movedText = make('p', {ariaLive: 'polite', id: 'tape-moved', hidden: true});
$('tape-panel').append(panel.title, panel.says, panel.formulas, panel.edit, wrongText, movedText, panel.all,
  panel.code);

// Numbers as a table: `numbers` row by row. `mark` gives the class of a cell.
function matrixTable(caption, className, cols, numbers, mark = () => '') {
  const body = make('tbody');
  for (let k = 0; k < numbers.length; k += cols) {
    body.append(make('tr', {}, ...numbers.slice(k, k + cols).map((x, j) =>
      make('td', {textContent: inColumn(x, 4), className: mark(k + j)}))));
  }
  return make('table', {className}, make('caption', {textContent: caption}), body);
}

function showPanel() {
  const i = hovered ?? chosen, e = step[i], op = ops[e.op];
  panel.title.replaceChildren(`${i} ${e.name} `, make('small', {textContent: [e.role, `${e.rows} × ${e.cols}`,
    operandsOf(e) && `of ${operandsOf(e)}`].filter(Boolean).join(' · ')}));
  const unused = e.operands.length > 0 && e.gradient === null;
  panel.says.textContent = op.says + (unused ? ' No gradient reaches this entry: the next one takes its numbers and ' +
    'has a pullback of its own.' : '');
  const lines = (what, className, text) => text.length === 0 ? [] : [make('div', {}, make('dt', {textContent: what}),
    make('dd', {className}, ...text.map(line => make('span', {textContent: line}))))];
  panel.formulas.replaceChildren(...lines('Value', 'tape-value', op.value),
    ...lines('Pullback: what it adds to the gradients of its operands', 'tape-gradient', op.pull));
  showEditor(e.op === 'softmax_cross_entropy' ? 'labels' : e.input);
  const tables = [];
  for (const what of ['value', 'gradient']) {
    const known = what === 'value' ? hasValue(i) : hasGradient(i);
    if (e[what] === null) continue;
    const inFields = what === 'value' && e.input && !(e.input === 'b1' && state.tapeBias);
    const moved = moves(i, what), title = what[0].toUpperCase() + what.slice(1);
    if (!known) {
      tables.push(make('p', {className: 'faint', textContent: `${title}: not computed yet`}));
      continue;
    }
    if (!inFields) tables.push(matrixTable(title, `tape-${what}`, e.cols, e[what], k => moved[k] ? 'moved' : ''));
    if (largest(moved)) tables.push(matrixTable(`${title} moved by`, `tape-${what}`, e.cols, moved));
  }
  panel.all.replaceChildren(...tables);
  showCode(e, at() > step.length && i === current());
}

// The function of an entry's op. What runs backward begins with its pullback, which is in sight if that is what runs.
let codeShown;
function showCode(e, backward) {
  if (codeShown === e.op + backward) return;
  codeShown = e.op + backward;
  const {file, line, code} = sources[e.op];
  const lines = code.trimEnd().split('\n'), pullback = lines.findIndex(text => text.includes('.pullback('));
  const side = (text, i) => /^(\/\/|}|$)/.test(text) ? '' : pullback >= 0 && i >= pullback ? 'tape-backward' :
    'tape-forward';
  const pre = make('pre', {tabIndex: 0, ariaLabel: `Code of ${e.op}`}, ...lines.map((text, i) =>
    make('span', {className: side(text, i)}, make('i', {textContent: line + i}), text)));
  panel.code.replaceChildren(make('figcaption', {}, `${file}:${line}`, pullback < 0 ? '' :
    ' — blue runs forward, orange backward'), pre);
  if (backward && pullback >= 0) pre.scrollTop = pre.children[pullback].offsetTop - pre.offsetTop - 8;
}

// ---- Typing in numbers ----------------------------------------------------------------------------------------------

let editing = null;

panel.edit.onkeydown = event => {
  if (event.key === 'Escape') cards[chosen].focus();
};

const typed = x => String(x).replace('-', '−');

function showEditor(name) {
  panel.edit.hidden = !name;
  if (editing === name) return;
  editing = name;
  complain(wrongText, '');
  if (!name) return;
  const rows = name === 'labels' ? [inputs.labels] : inputs[name];
  const fields = rows.flatMap((row, i) => row.map((x, j) => {
    const place = rows.length > 1 ? `row ${i + 1}, column ${j + 1}` : `number ${j + 1}`;
    const field = make('input', {type: 'text', inputMode: 'decimal', id: `tape-${name}-${i}-${j}`, value: typed(x),
      autocomplete: 'off', ariaLabel: `${name}, ${place}`});
    field.onchange = () => edit(field, name, row, j, place);
    return field;
  }));
  const note = name === 'b1' && state.tapeBias ? ' Without the constant that is added.' : '';
  panel.edit.replaceChildren(make('legend', {textContent: name === 'labels' ? 'The right classes, 0 or 1' :
    `Change ${name}: type a number, then Enter.${note}`}),
  make('div', {style: `grid-template-columns: repeat(${rows[0].length}, auto)`}, ...fields));
}

async function edit(field, name, row, j, place) {
  const value = numberOf(field.value), was = row[j];
  try {
    if (!Number.isFinite(value)) {
      throw new Error(`expected a number such as 0.5, found “${field.value}”`);
    }
    if (value !== was) {
      row[j] = value;
      await compute('last', `${name}, ${place}, from ${typed(was)} to ${typed(value)}`);
    }
    field.value = typed(value);
    complain(wrongText, '');
  } catch (error) {
    row[j] = was;
    field.value = typed(was);
    complain(wrongText, `${name}, ${place}: ${error.message.replace(/^\w+: /, '')}. It stays ${typed(was)}.`);
  }
}

// ---- What moved -----------------------------------------------------------------------------------------------------

function sayMoved() {
  movedText.hidden = !before || !cause;
  if (movedText.hidden) return;
  const count = what => step.filter((_, i) => largest(moves(i, what))).length;
  const all = what => step.filter(e => e[what]).length;
  const loss = entries => short(entries.at(-1).value[0], 4);
  movedText.textContent = `Changed: ${cause}. Moved: ${count('value')} of ${all('value')} values and ` +
    `${count('gradient')} of ${all('gradient')} gradients. ` + (loss(before) === loss(step) ?
    `The loss stays ${loss(step)}.` : `The loss goes from ${loss(before)} to ${loss(step)}.`);
}

// What the added constant does, from the numbers of the step with it and `without`.
function sayBias(without, offset) {
  $('tape-norm').value = state.tapeNorm;
  $('tape-norm-hint').textContent = norms[state.tapeNorm];
  $('tape-bias').value = offset;
  $('tape-bias-shown').textContent = typed(offset);
  const gradient = name => short(largest(step.find(e => e.name === name).gradient), 2);
  const z = step.findIndex(e => e.op === 'linear'), [y] = step.find(e => e.op === 'relu').operands;
  const behind = step.flatMap((e, i) => i >= y && i > z ? [difference(e.value, without[i].value)] : []);
  const gradients = step.flatMap((e, i) => e.gradient ? [difference(e.gradient, without[i].gradient)] : []);
  const most = largest(behind), mostGradient = largest(gradients), nothing = most < 1e-5 && mostGradient < 1e-5;
  const name = {layer: 'LayerNorm', none: 'the first Linear'}[state.tapeNorm] ?? 'BatchNorm';
  const sizes = state.tapeNorm === 'none' ? `The gradient of b1: ${gradient('b1')} at most.` :
    `The gradient of b1: ${gradient('b1')} at most; of beta: ${gradient('beta')}.`;
  const moved = offset === 0 ? 'Move the slider and see what changes.' :
    `Behind ${name} the largest change of a value is ${short(most, 2)}, and of any gradient ${short(mostGradient, 2)}` +
    (!nothing ? ': they move.' : most + mostGradient === 0 ? ': nothing moves.' : ': rounding, nothing else.');
  const layer = state.tapeNorm === 'layer' && offset !== 0 && nothing ? ' LayerNorm, too, takes away what all units ' +
    'of a sample have in common. But change a single number of b1, and all moves.' : '';
  $('tape-bias-says').textContent = `${moved} ${sizes}${layer}`;
}

// ---- The derivation that goes wrong ---------------------------------------------------------------------------------

const derived = {z: 'The gradient of z, which goes into BatchNorm', w1: 'The gradient of w1', b1: 'The gradient of b1'};

function sayDerivations(derivations) {
  const z = derivations[0], scale = Math.max(1e-3, largest(z.checked)), fits = error => error < 1e-3 * scale;
  $('tape-verdict').textContent = fits(z.right_error) && !fits(z.diagonal_error) ?
    `The full gradient agrees with these differences to ${short(z.right_error, 2)}. The other is off by up to ` +
    `${short(z.diagonal_error, 2)}, where the largest number is ${short(largest(z.checked), 2)}.` :
    fits(z.right_error) ? 'With these numbers both agree: the paths that were forgotten happen to carry nothing.' :
      'With these numbers something stands at the bend of ReLU, or nearly: there, moving up and moving down differ, ' +
      'and the differences decide nothing.';
  $('tape-compared').replaceChildren(...derivations.map(d => {
    const off = k => fits(d.right_error) && Math.abs(d.diagonal[k] - d.checked[k]) > 1e-3 * scale ? 'wrong' : '';
    const column = (caption, numbers, note, mark) => make('div', {}, matrixTable(caption, '', d.cols, numbers, mark),
      make('small', {textContent: note}));
    return make('section', {ariaLabel: derived[d.of]}, make('h3', {textContent: derived[d.of]}), make('div', {},
      column('All paths (batch_norm)', d.right, `off by ${short(d.right_error, 2)} at most`),
      column('Each xᵢ only through its own output', d.diagonal, `off by ${short(d.diagonal_error, 2)} at most`, off),
      column('Differences of the loss', d.checked, 'in double, without a tape')));
  }));
}

// ---- Controls -------------------------------------------------------------------------------------------------------

$('tape-settings').oninput = () => complain($('tape-failure'), '');
$('tape-norm').onchange = event => {
  pause();
  change({tapeNorm: event.target.value});
};
$('tape-bias').oninput = event => change({tapeBias: Number(event.target.value)});
$('tape-bias-zero').onclick = () => change({tapeBias: 0});
$('tape-diagonal').onclick = () => {
  change({tapeNorm: 'diagonal', tapeAt: -1});
  $('tape-bar').scrollIntoView({behavior: still.matches ? 'auto' : 'smooth'});
};
$('tape-reset').onclick = () => {
  inputs = structuredClone(firstInputs);
  editing = null;
  change({tapeBias: 0});
};

onChange.add(names => {
  if (!engine) return;
  if (names.has('tapeNorm') || names.has('tapeBias')) {
    if (names.has('tapeBias')) editing = null;
    recompute();
  } else if (names.has('tapeAt') && step) {
    chosen = current() ?? chosen;
    show();
  }
});

tables.tape = {
  show() {
    if (engine) return;
    engine = new Engine();
    recompute();
  },
  hide() { pause(); },
};
}
