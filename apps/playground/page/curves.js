// Curves: networks side by side, and what they are set to.
'use strict';

{
// ---- Scenes ---------------------------------------------------------------------------------------------------------

// A state worth seeing, and what to look at in it.
const scenes = [
  {name: 'learning rate 2', values: {},
    story: 'Two networks, the same weights to begin with, the same batches, learning rate 2. Without normalization ' +
      'the first steps throw the network off and it never comes back. With BatchNorm it learns.'},
  {name: 'a learning rate for both', values: {lr: 0.1},
    story: 'At learning rate 0.1 both learn. Move the slider while they train: where does the one without BatchNorm ' +
      'break?'},
  {name: 'the bias that cancels', values: {nets: 'batch,keep', lr: 0.5},
    story: 'The second network keeps a bias in front of BatchNorm, and the curves are the same, to rounding: ' +
      'subtracting the batch mean subtracts the bias again.'},
  {name: 'twelve layers deep', values: {depth: 12, width: 32, lr: 0.05, nets: 'batch,none,layer'},
    story: 'Twelve hidden layers. Normalization keeps what each layer gets at one scale; without it, look at Inside: ' +
      'signals and gradients change from layer to layer.'},
  {name: 'weights ten times too large', values: {init: 10, lr: 0.1},
    story: 'All initial weights are ten times as large. BatchNorm divides the scale away; the other network starts ' +
      'with a loss that is far off.'},
  {name: 'sigmoids', values: {activation: 'sigmoid', depth: 4, lr: 1},
    story: 'Four layers of sigmoids: without normalization their gradients nearly vanish, and the loss stays on a ' +
      'plateau.'},
  {name: 'two spirals', values: {data: 'spirals', width: 32, depth: 3, lr: 0.1, momentum: 0.9},
    story: 'Points in the plane on two spirals. Inside draws which class each network sees where.'},
];

// ---- Controls -------------------------------------------------------------------------------------------------------

const choices = (...pairs) => pairs.map(([value, label = value]) => ({value, label}));
// Of a number: `low` to `high`, on a logarithmic slider if `log`.
const controls = [
  {group: 'While it trains', keys: [
    {key: 'lr', label: 'Learning rate', low: 0, high: 100, slider: [1e-3, 10], log: true,
      hint: 'How far an update goes along the gradient.'},
    {key: 'momentum', label: 'Momentum', low: 0, high: 0.999, slider: [0, 0.99], step: 0.01,
      hint: 'The share of the last update that is made again. Of SGD only.'},
    {key: 'decay', label: 'Weight decay', low: 0, high: 1, slider: [0, 0.1], step: 0.001,
      hint: 'Pulls every weight toward zero, in proportion to it.'},
    {key: 'batch', label: 'Batch, in samples', low: 2, high: 2000, whole: true, slider: [2, 1024], log: true,
      hint: 'How many samples a step averages over, and BatchNorm takes its mean and variance from.'},
    {key: 'optimizer', label: 'Optimizer', choices: choices(['sgd', 'SGD'], ['adam', 'Adam'], ['adamw', 'AdamW']),
      hint: 'Adam divides each update by the size of past gradients; try rates near 0.001.'},
  ]},
  {group: 'Begins anew', keys: [
    {key: 'data', label: 'Data', choices: choices(['digits'], ['spirals'], ['moons'], ['circles'], ['blobs']),
      hint: 'Drawn in the page: 4,000 digits of 28 × 28 pixels, or 2,000 points in the plane.'},
    {key: 'depth', label: 'Hidden layers', low: 1, high: 12, whole: true, slider: [1, 12], step: 1,
      hint: 'Each is a Linear, perhaps a normalization, and an activation.'},
    {key: 'width', label: 'Width, in units', low: 1, high: 512, whole: true, slider: [2, 256], log: true,
      hint: 'Outputs of each hidden layer.'},
    {key: 'activation', label: 'Activation', choices: choices(['relu', 'ReLU'], ['tanh'], ['sigmoid']),
      hint: 'The bend without which all layers would be one.'},
    {key: 'init', label: 'Initial weights, factor', low: 0, high: 1000, slider: [0.01, 100], log: true,
      hint: 'Times He’s scale before a ReLU, Xavier’s before the others.'},
    {key: 'seed', label: 'Seed', low: 0, high: 1e6, whole: true,
      hint: 'Draws the weights and the order of the samples. Same seed, same curves.'},
  ]},
];

const failure = $('curves-failure');
const shownControls = [];

// What is expected of a control's value, if it is not that; also in an address.
function expectation({choices, whole, low, high}, value) {
  if (choices) {
    const all = choices.map(choice => choice.value);
    return all.includes(value) ? '' : `one of ${all.join(', ')}`;
  }
  const fits = value >= low && value <= high && (!whole || Number.isInteger(value));
  return fits ? '' : `a ${whole ? 'whole number' : 'number'} from ${low} to ${high}`;
}

function addNumber(control, box) {
  const field = make('input', {id: 'set-' + control.key, type: 'text', inputMode: 'decimal'});
  const wrong = make('p', {hidden: true});
  wrong.setAttribute('role', 'alert');
  box.append(field);
  field.onchange = () => {
    const value = numberOf(field.value), expected = expectation(control, value);
    if (!expected) return change({[control.key]: value});
    complain(wrong, `${control.label}: expected ${expected}, found “${field.value.slice(0, 40)}”. It stays ` +
      `${state[control.key]}.`);
  };
  let slider;
  if (control.slider) {
    const [low, high] = control.slider.map(x => control.log ? Math.log10(x) : x);
    slider = make('input', {type: 'range', min: low, max: high, step: control.log ? 'any' : control.step});
    slider.setAttribute('aria-label', control.label);
    slider.oninput = () => {
      const digits = control.whole ? 3 : 2;
      const value = control.log ? Number((10 ** slider.value).toPrecision(digits)) : Number(slider.value);
      change({[control.key]: control.whole ? Math.round(value) : value});
    };
    box.append(slider);
  }
  box.append(wrong);
  return () => {
    const value = state[control.key];
    field.value = value;
    complain(wrong, '');
    if (!slider) return;
    slider.value = control.log ? Math.log10(Math.max(value, 1e-9)) : value;
    slider.setAttribute('aria-valuetext', value);  // a logarithm says nothing
  };
}

function addChoice(control, box) {
  const select = make('select', {id: 'set-' + control.key},
    ...control.choices.map(({value, label}) => make('option', {value, textContent: label})));
  select.onchange = () => change({[control.key]: select.value});
  box.append(select);
  return () => { select.value = state[control.key]; };
}

for (const {group, keys} of controls) {
  const fields = make('fieldset', {}, make('legend', {textContent: group}));
  for (const control of keys) {
    expectations[control.key] = value => expectation(control, value);
    const box = make('div', {className: 'control'},
      make('label', {htmlFor: 'set-' + control.key, textContent: control.label}));
    shownControls.push((control.choices ? addChoice : addNumber)(control, box));
    box.append(make('small', {textContent: control.hint, id: 'hint-' + control.key}));
    box.querySelector('[id^=set-]').setAttribute('aria-describedby', 'hint-' + control.key);
    fields.append(box);
  }
  $('controls').append(fields);
}
$('controls').onsubmit = event => event.preventDefault();

$('scenes').append(make('option', {value: '', textContent: 'a scene …'}),
  ...scenes.map((scene, i) => make('option', {value: i, textContent: scene.name})));
$('scenes').onchange = () => {
  const scene = scenes[$('scenes').value];
  if (scene) play(scene);
};

// Sets all that belongs to the networks.
async function play(scene) {
  const values = {};
  for (const key of [...whileTraining, ...ofNewNetworks]) values[key] = firstState[key];
  networks.pause();
  change({...values, ...scene.values});
  networks.start();
}

function sceneOf(values) {
  return scenes.find(scene => [...whileTraining, ...ofNewNetworks].every(
    key => values[key] === (scene.values[key] ?? firstState[key])));
}

// ---- Charts ---------------------------------------------------------------------------------------------------------

let charts = [];

const kMostRows = 2000;

// Rows [step, a value for each network]; of many steps some.
function lossRows() {
  const steps = Math.max(0, ...networks.list.map(network => network.loss.length));
  const stride = Math.ceil(steps / kMostRows) || 1, rows = [];
  for (let i = 0; i < steps; i += stride) {
    rows.push([i + 1, ...networks.list.map(network => {
      const loss = network.loss[i];
      return Number.isFinite(loss) && loss !== null ? Math.max(loss, 1e-5) : null;
    })]);
  }
  return rows.length > 0 ? rows : [[0, ...networks.list.map(() => null)]];
}

function accuracyRows() {
  const all = [...new Set(networks.list.flatMap(network => network.tests.map(test => test.step)))];
  all.sort((a, b) => a - b);
  const stride = Math.ceil(all.length / kMostRows);
  const steps = all.filter((_, i) => i % stride === 0 || i === all.length - 1);
  const rows = new Map(steps.map(step => [step, [step, ...networks.list.map(() => null)]]));
  networks.list.forEach((network, i) => {
    for (const test of network.tests) if (rows.has(test.step)) rows.get(test.step)[i + 1] = 100 * test.accuracy;
  });
  return rows.size > 0 ? [...rows.values()] : [[0, ...networks.list.map(() => null)]];
}

let chartsOf = '';  // the kinds of networks that they have a line for
const shownKinds = () => networks.list.map(network => network.kind).join();

function makeCharts() {
  chartsOf = shownKinds();
  for (const chart of charts) chart.destroy();
  const common = {
    labels: ['step', ...networks.list.map(network => network.label)],
    colors: networks.list.map(network => css(network.colour)),
    series: Object.fromEntries(networks.list.map(network => [network.label, {strokePattern: network.dash}])),
    strokeWidth: 2, gridLineColor: css('--line'), axisLineColor: css('--line'), legend: 'never',
    connectSeparatedPoints: true, xlabel: '', highlightCircleSize: 4, interactionModel: {}, axisLabelWidth: 44,
    highlightCallback: (event, step) => tellValues(step), unhighlightCallback: () => tellValues(null),
  };
  charts = [
    new Dygraph($('loss-chart'), lossRows(), {...common, logscale: true, drawPoints: false, valueRange: [0.1, 10],
      rollPeriod: Number($('smooth').value), axes: {y: {axisLabelFormatter: y => short(y, 2)}}}),
    new Dygraph($('accuracy-chart'), accuracyRows(), {...common, valueRange: [0, 101], drawPoints: false}),
  ];
}

let drawing = false, drawingTime = 0;

// Drawing takes a third of the time at most, so that a slow machine hears its buttons.
function drawSoon() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => requestAnimationFrame(() => {
    const begin = performance.now();
    drawing = false;
    drawCharts();
    drawingTime = performance.now() - begin;
  }), 2 * drawingTime);
}

function drawCharts() {
  if (table !== 'curves' || charts.length === 0) return;
  const end = Math.max(20, networks.step);
  // A logarithmic axis cannot choose a range for nothing.
  const rows = lossRows(), isEmpty = rows.every(([, ...losses]) => losses.every(loss => loss === null));
  charts[0].updateOptions({file: rows, dateWindow: [0, end], valueRange: isEmpty ? [0.1, 10] : null});
  charts[1].updateOptions({file: accuracyRows(), dateWindow: [0, end]});
  const described = name => networks.list.map(network => `${network.label}: ${name(network)}`).join('; ');
  $('loss-chart').setAttribute('aria-label', 'Training loss after step ' + networks.step + '. ' +
    described(network => short(network.loss.at(-1))));
  $('accuracy-chart').setAttribute('aria-label', 'Test accuracy after step ' + networks.step + '. ' +
    described(network => percent(network.tests.at(-1)?.accuracy)));
}

const percent = share => share === undefined ? 'not yet known' : (100 * share).toFixed(1) + ' %';

$('smooth').oninput = () => {
  const period = Number($('smooth').value);
  const text = period === 1 ? 'each batch' : `mean of ${period} batches`;
  $('smoothing').querySelector('output').textContent = text;
  $('smooth').setAttribute('aria-valuetext', text);
  charts[0]?.updateOptions({rollPeriod: period});
};

// ---- Cards ----------------------------------------------------------------------------------------------------------

const cards = new Map();
let pointed = null;  // the step under the cursor, where there is one

function tellValues(step) {
  pointed = step;
  fillCards();
}

function makeCards() {
  const hadFocus = $('cards').contains(document.activeElement);
  cards.clear();
  $('cards').replaceChildren();
  for (const network of networks.list) {
    const line = make('svg:svg', {width: 30, height: 8, 'aria-hidden': 'true'},
      make('svg:line', {x1: 0, x2: 30, y1: 4, y2: 4, stroke: `var(${network.colour})`, 'stroke-width': 3,
        'stroke-dasharray': (network.dash || []).join(' ')}));
    const values = make('dl'), layers = make('small');
    const remove = make('button', {textContent: 'Take away', hidden: networks.list.length === 1});
    remove.onclick = () => change({nets: networks.list.filter(n => n !== network).map(n => n.kind).join(',')});
    remove.setAttribute('aria-label', 'Take away ' + network.label);
    const card = make('li', {}, make('h3', {}, line, network.label), values, layers, remove);
    card.style.setProperty('--colour', `var(${network.colour})`);
    cards.set(network, {values, layers});
    $('cards').append(card);
  }
  const others = Object.keys(kinds).filter(kind => !networks.list.some(network => network.kind === kind));
  if (others.length > 0) {
    $('cards').append(make('li', {className: 'add'}, make('h3', {textContent: 'Another one beside them'}),
      ...others.map(kind => {
        const button = make('button', {textContent: 'Add ' + kinds[kind].label});
        button.onclick = () => change({nets: [...networks.list.map(n => n.kind), kind].join(',')});
        return button;
      })));
  }
  fillCards();
  // Who took one away or added one with the keyboard stays here.
  if (hadFocus) $('cards').querySelector('button:not([hidden])').focus();
}

function fillCards() {
  for (const [network, {values, layers}] of cards) {
    const step = pointed ?? network.loss.length;
    const test = network.tests.findLast(test => test.step <= step);
    const shown = [
      ['loss of batch ' + step, step === 0 || step > network.loss.length ? '–' : short(network.loss[step - 1])],
      ['test accuracy', test ? percent(test.accuracy) : '–'],
      ['parameters', network.parameters.toLocaleString('en')],
    ];
    values.replaceChildren(...shown.flatMap(([name, value]) =>
      [make('dt', {textContent: name}), make('dd', {textContent: value})]));
    if (network.diverged) {
      values.append(make('dt', {className: 'lost', textContent: 'failed'}),
        make('dd', {className: 'lost', textContent: `its loss was no number at step ${network.step + 1}`}));
    }
    layers.textContent = network.description || '';
  }
}

// ---- The bar above --------------------------------------------------------------------------------------------------

$('run').onclick = () => networks.running ? networks.pause() : networks.start();
$('step').onclick = () => networks.stepOnce();
$('reset').onclick = () => networks.reset();
$('share').onclick = async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    $('shared').textContent = 'Copied.';
  } catch {
    $('shared').textContent = 'The browser does not let this page write to the clipboard: copy the address instead.';
  }
};

function showState() {
  $('run').textContent = networks.running ? 'Pause' : networks.step > 0 ? 'Go on' : 'Start';
  $('progress').textContent = `step ${networks.step.toLocaleString('en')}`;
}

function showScene() {
  for (const show of shownControls) show();
  const scene = sceneOf(state);
  $('scenes').value = scene ? scenes.indexOf(scene) : '';
  $('story').textContent = scene ? scene.story : '';
  for (const input of $('set-momentum').parentElement.querySelectorAll('input')) {
    input.disabled = state.optimizer !== 'sgd';
  }
}

networks.on(event => {
  if (event === 'made') {
    pointed = null;
    complain(failure, '');
    makeCards();
    if (chartsOf !== shownKinds()) makeCharts();
  }
  if (event === 'failed') complain(failure, networks.error);
  showState();
  drawSoon();
  fillCards();
});
onChange.add(showScene);
dark.addEventListener('change', () => {
  makeCharts();
  drawCharts();
});

tables.curves = {
  show() {
    showScene();
    makeCharts();
    drawCharts();
  },
};
}
