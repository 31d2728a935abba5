// The table "Draw a digit": paper to draw on, and what a network reads there.
'use strict';

// The place of one of the networks that train, or 'file'.
define({drawNetwork: '0'}, {
  drawNetwork: value => /^([0-3]|file)$/.test(value) ? '' : 'the place of a network, from 0 on, or file',
});

{
  const paper = $('draw-canvas');
  const kWidth = 560, kHeight = 320;  // of the paper, in the units of all that follows
  const kPen = 22, kGrid = 16, kScale = 8;  // the pen, a step of a key, a pixel of an example
  const kMargin = kPen / 2 + 3;  // ink that touches the border would be taken for a shadow of it
  const kSteps = 300;
  const kReadable =
    'What this table reads is a safetensors file of a network with 784 inputs (28 × 28 pixels) and 10 classes.';

  // ---- The paper ----------------------------------------------------------------------------------------------------

  // What is drawn: strokes {points} and examples {example, x, y}. A change makes a new list; Undo takes the old one.
  let marks = [], past = [];
  const picture = make('canvas', {width: kWidth / 2, height: kHeight / 2});  // what is read, and saved
  let stroke = null;  // that the pen draws
  let pointer = null;  // that draws it; none for the keyboard

  // What is drawn, on a canvas of any size.
  function paint(canvas) {
    const ink = canvas.getContext('2d', {willReadFrequently: canvas === picture});
    ink.setTransform(canvas.width / kWidth, 0, 0, canvas.height / kHeight, 0, 0);
    ink.globalCompositeOperation = 'source-over';
    ink.fillStyle = '#fff';
    ink.fillRect(0, 0, kWidth, kHeight);
    ink.strokeStyle = '#000';
    ink.lineWidth = kPen;
    ink.lineCap = ink.lineJoin = 'round';
    for (const {points, example, x, y} of marks) {
      if (example) {
        ink.globalCompositeOperation = 'darken';
        ink.imageSmoothingQuality = 'high';
        ink.drawImage(example, x, y, kScale * example.width, kScale * example.height);
        continue;
      }
      ink.beginPath();
      ink.moveTo(...points[0]);
      for (const point of points) ink.lineTo(point[0] + .01, point[1]);  // a line of no length would show no dot
      ink.stroke();
    }
  }

  let painting = false;
  function drawn() {
    if (painting) return;
    painting = true;
    requestAnimationFrame(() => {
      painting = false;
      paint(paper);
      $('draw-undo').disabled = past.length === 0;
      $('draw-clear').disabled = $('draw-save-picture').disabled = marks.length === 0;
      $('draw-empty').hidden = marks.length > 0;
      const count = marks.length === 0 ? 'empty' : marks.length === 1 ? '1 stroke' : `${marks.length} strokes`;
      paper.setAttribute('aria-label', `Paper to draw digits on, ${count}`);
      read();
    });
  }

  function setMarks(list) {
    past.push(marks);
    marks = list;
    drawn();
  }

  function undo() {
    if (past.length === 0) return;
    stroke = null;
    marks = past.pop();
    drawn();
  }

  function clear() {
    if (marks.length > 0) setMarks([]);
    stroke = null;
  }

  const clamp = (x, size) => Math.min(size - kMargin, Math.max(kMargin, x));

  function begin(point) {
    stroke = {points: [point]};
    setMarks([...marks, stroke]);
  }

  // ---- Mouse, finger, pen -------------------------------------------------------------------------------------------

  function place(event) {
    const box = paper.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width * kWidth, kWidth),
      clamp((event.clientY - box.top) / box.height * kHeight, kHeight)];
  }

  paper.onpointerdown = event => {
    if (event.button !== 0 || pointer !== null) return;
    lift();
    showPen(false);
    pointer = event.pointerId;
    paper.setPointerCapture(pointer);
    begin(place(event));
  };
  paper.onpointermove = event => {
    if (event.pointerId !== pointer || !stroke) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) stroke.points.push(place(one));
    drawn();
  };
  paper.onpointerup = paper.onpointercancel = event => {
    if (event.pointerId === pointer) pointer = stroke = null;
  };

  // ---- Keyboard -----------------------------------------------------------------------------------------------------

  let pen = [kWidth / 2, 5 * kGrid];
  const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const held = new Set();  // arrow keys that are down

  function showPen(shown) {
    $('draw-pen').hidden = !shown;
    $('draw-pen').className = stroke ? 'down' : '';
    $('draw-pen').style.left = `${100 * pen[0] / kWidth}%`;
    $('draw-pen').style.top = `${100 * pen[1] / kHeight}%`;
  }

  function lift() {
    stroke = null;
    held.clear();
  }

  paper.onkeydown = event => {
    if (pointer !== null) return;
    if (event.key in arrows) {
      held.add(event.key);
      for (const key of held) {
        const [right, down] = arrows[key];
        pen = [clamp(pen[0] + kGrid * right, kWidth), clamp(pen[1] + kGrid * down, kHeight)];
      }
      if (stroke) {
        stroke.points.push(pen);
        drawn();
      }
    } else if (event.key === ' ') {
      if (event.repeat) return event.preventDefault();
      stroke ? lift() : begin(pen);
      say(stroke ? 'Pen down' : 'Pen up');
    } else if (event.key === 'Escape') {
      clear();
    } else if (event.key === 'Backspace' || event.key === 'z' && (event.ctrlKey || event.metaKey)) {
      undo();
    } else {
      return;
    }
    event.preventDefault();
    showPen(true);
  };
  paper.onkeyup = event => held.delete(event.key);
  paper.onfocus = () => showPen(paper.matches(':focus-visible'));
  paper.onblur = () => {
    lift();
    showPen(false);
  };

  $('draw-undo').onclick = undo;
  $('draw-clear').onclick = clear;

  // ---- Examples -----------------------------------------------------------------------------------------------------

  let examples = null;  // of each digit, pictures in black on white; made when the first is wanted
  const taken = Array(10).fill(0);

  async function makeExamples() {
    const engine = new Engine();
    try {
      await engine.ask({ask: 'create', data: 'digits', samples: 200, hidden: [1]});
      const {labels, rows, cols, bytes} = await engine.ask({ask: 'samples', count: 200, test: true});
      const found = Array.from({length: 10}, () => []);
      labels.forEach((label, i) => found[label].push(cutOut(bytes.subarray(i * rows * cols), rows, cols)));
      return found;
    } finally {
      engine.stop();
    }
  }

  // The part of a picture, light on dark, that has ink, with a little paper around it.
  function cutOut(pixels, rows, cols) {
    let left = cols, right = 0, top = rows, bottom = 0;
    for (let i = 0; i < rows; ++i) {
      for (let j = 0; j < cols; ++j) {
        if (pixels[i * cols + j] === 0) continue;
        [left, right] = [Math.min(left, j), Math.max(right, j + 1)];
        [top, bottom] = [Math.min(top, i), Math.max(bottom, i + 1)];
      }
    }
    const part = make('canvas', {width: right - left + 2, height: bottom - top + 2});
    part.getContext('2d').drawImage(grey(pixels, rows, cols, value => 255 - value), 1 - left, 1 - top);
    return part;
  }

  // A canvas with these pixels.
  function grey(pixels, rows, cols, light, canvas = make('canvas', {width: cols, height: rows})) {
    const image = new ImageData(cols, rows);
    for (let i = 0; i < rows * cols; ++i) image.data.fill(light(pixels[i]), 4 * i, 4 * i + 3);
    for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
    canvas.getContext('2d').putImageData(image, 0, 0);
    return canvas;
  }

  const rightEnd = ({points, example, x}) =>
    points ? Math.max(...points.map(point => point[0])) + kPen / 2 : x + kScale * example.width;

  // Puts an example to the right of what is drawn; on new paper if there is no room.
  async function takeExample(digit) {
    try {
      const all = (await (examples ??= makeExamples()))[digit];
      const example = all[taken[digit]++ % all.length];
      const x = Math.max(kScale, ...marks.map(rightEnd)) + kScale;
      const fits = x + kScale * example.width < kWidth - kScale;
      lift();
      const mark = {example, x: fits ? x : 2 * kScale, y: (kHeight - kScale * example.height) / 2};
      setMarks([...(fits ? marks : []), mark]);
    } catch (error) {
      examples = null;
      complain($('draw-alert'), error);
    }
  }

  for (let digit = 0; digit < 10; ++digit) {
    const button = make('button', {textContent: digit, ariaLabel: `Example of a ${digit}`});
    button.onclick = () => takeExample(digit);
    $('draw-examples').append(button);
  }

  // ---- The network that reads ---------------------------------------------------------------------------------------

  let loaded = null;  // {engine, name, description}
  const fromFile = () => state.drawNetwork === 'file';
  const chosen = () => networks.list[state.drawNetwork] ?? networks.list[0];

  function choice(value, colour, label) {
    const input = make('input', {type: 'radio', name: 'draw-network', value, id: `draw-network-${value}`});
    input.onchange = () => change({drawNetwork: value});
    return make('label', {}, input, make('i', {style: colour && `background: var(${colour})`}), make('span', {}, label),
      make('small', {id: `draw-about-${value}`}));
  }

  function makeChoices() {
    $('draw-choices').replaceChildren(...networks.list.map(({label, colour}, i) => choice(String(i), colour, label)),
      choice('file', '', 'A model from a file'));
    tellNetworks();
  }

  function about({step, diverged, tests}) {
    if (diverged) return `stopped at step ${step}: its numbers became too large`;
    const test = tests.at(-1);
    return step === 0 ? 'not trained yet' :
      `${step} steps` + (test ? `, ${(100 * test.accuracy).toFixed(1)} % of the test digits right` : '');
  }

  // What changes while networks train: the choices' texts, the hint, the buttons.
  function tellNetworks() {
    const digits = state.data === 'digits';
    networks.list.forEach((network, i) => {
      $(`draw-about-${i}`).textContent = digits ? about(network) : `learns ${state.data}, which are no digits`;
    });
    $('draw-about-file').textContent = loaded ? `${loaded.name}: ${loaded.description}` : 'none is loaded yet';
    const value = fromFile() ? 'file' : String(Math.max(0, networks.list.indexOf(chosen())));
    if ($(`draw-network-${value}`)) $(`draw-network-${value}`).checked = true;
    $('draw-save').disabled = fromFile() || !digits || !chosen();
    tellHint(digits);
  }

  let training = false;  // from this table

  function tellHint(digits) {
    const text = fromFile() ? (loaded ? '' : 'No model is loaded yet: load one, or drop its file on this table.') :
      training ? 'The networks train. What the first one reads changes meanwhile.' :
      !digits ? `The networks of this page learn ${state.data}, which are points in the plane. Here they need digits.` :
      chosen()?.step === 0 && !chosen().diverged && !networks.running ?
        'This network is not trained yet, so that it only guesses. A few seconds of training change that.' : '';
    $('draw-hint').hidden = !text;
    $('draw-hint-text').textContent = text;
    $('draw-train').hidden = fromFile() || training;
    $('draw-training').hidden = !training;
    const step = networks.list[0]?.step ?? 0;
    $('draw-progress').value = step;
    $('draw-progress-text').textContent = `step ${Math.min(step, kSteps)} of ${kSteps}`;
  }

  $('draw-train').onclick = () => {
    training = true;
    if (state.data !== 'digits') change({data: 'digits'});
    change({drawNetwork: '0'});
    networks.start(kSteps);
    training = networks.running;
    tellNetworks();
  };

  networks.on(event => {
    if (training && event !== 'made') {
      const first = networks.list[0];
      const done = first.step >= kSteps || first.diverged;
      if (done) networks.pause();
      training = !done && event !== 'failed' && (event !== 'state' || networks.running);
    }
    if (event === 'made') {
      complain($('draw-alert'));
      makeChoices();
    }
    tellNetworks();
    if (event === 'failed') complain($('draw-alert'), networks.error);
    read();
  });
  onChange.add(changed => {
    if (!changed.has('drawNetwork') && !changed.has('data')) return;
    complain($('draw-alert'));
    tellNetworks();
    read();
  });

  // ---- Reading ------------------------------------------------------------------------------------------------------

  const kEvery = 1000 / 15;  // milliseconds from one reading to the next
  let visible = false, busy = false, again = false, failed = false;
  let reading = null;  // the last answer

  // Reads what is drawn now. What changes meanwhile is read once more, and what was in between is not.
  async function read() {
    again = true;
    if (busy || !visible) return;
    busy = true;
    while (again && visible) {
      again = false;
      const began = performance.now();
      try {
        tell(await ask());
        if (failed) complain($('draw-alert'));
        failed = false;
      } catch (error) {
        if (error.message !== 'stopped') {
          failed = true;
          tell(null);
          complain($('draw-alert'), error);
        }
      }
      // Networks that train keep most of the time.
      const took = performance.now() - began;
      await new Promise(resolve => setTimeout(resolve, networks.running ? 3 * took : kEvery - took));
    }
    busy = false;
  }

  // Nothing where nobody can read, or nothing is drawn.
  async function ask() {
    const engine = fromFile() ? loaded?.engine : state.data === 'digits' && chosen()?.engine;
    if (marks.length === 0 || !engine) return null;
    paint(picture);
    const {data, width, height} = picture.getContext('2d').getImageData(0, 0, picture.width, picture.height);
    const bytes = new Uint8Array(width * height).map((_, i) => data[4 * i]);
    try {
      return await engine.ask({ask: 'predict', rows: height, cols: width, loaded: fromFile()}, bytes);
    } catch (error) {
      if (error.message.includes('blank paper')) return null;
      throw error;
    }
  }

  // Never 100 % where it is less.
  const percent = (p, digits) => `${(100 * (p < 1 ? Math.min(p, 1 - 10 ** (-2 - digits)) : p)).toFixed(digits)} %`;
  const bestOf = ({probabilities}) => probabilities.indexOf(Math.max(...probabilities));
  const allFinite = ({probabilities}) => probabilities.every(p => p !== null);

  function makeReading() {
    const rows = Array.from({length: 10}, (_, digit) => {
      const bar = make('span');
      const cells = [make('td', {className: 'bar', ariaHidden: 'true'}, bar), make('td'),
        make('td', {className: 'logit'})];
      return {bar, cells, row: make('tr', {}, make('th', {scope: 'row', textContent: digit}), ...cells)};
    });
    const view = make('canvas', {width: 28, height: 28, role: 'img'});
    const caption = make('figcaption');
    const head = make('tr', {}, make('th'), make('th', {ariaHidden: 'true'}), make('th', {scope: 'col'}, 'probability'),
      make('th', {scope: 'col', className: 'logit'}, 'logit'));
    const table = make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows.map(({row}) => row)));
    return {rows, view, caption, table, element: make('div', {className: 'draw-reading'},
      make('figure', {}, view, caption), table)};
  }

  const readings = [];  // elements, of the digits from the left

  function tell(answer) {
    reading = answer;
    const digits = answer?.digits ?? [];
    while (readings.length < digits.length) readings.push(makeReading());
    $('draw-readings').className = digits.length === 1 ? 'one' : digits.length > 3 ? 'many' : '';
    const shown = readings.slice(0, digits.length).map(({element}) => element);
    if (shown.length !== $('draw-readings').children.length) $('draw-readings').replaceChildren(...shown);
    digits.forEach((digit, i) => tellDigit(digit, readings[i], digits.length > 1 ? `Digit ${i + 1}` : ''));
    $('draw-nothing').hidden = digits.length > 0;
    const notices = (answer?.notices ?? []).map(text => text[0].toUpperCase() + text.slice(1) + '.');
    $('draw-notices').replaceChildren(...notices.map(textContent => make('li', {textContent})));
    tellGuess(digits);
  }

  function tellDigit(digit, {rows, view, caption, table}, name) {
    grey(digit.pixels, 28, 28, value => value, view);
    const finite = allFinite(digit), best = bestOf(digit);
    const text = !finite ? 'no numbers' : `Read as ${best}, ${percent(digit.probabilities[best], 0)}`;
    view.ariaLabel = `${name || 'The digit'} as the network sees it, 28 × 28 pixels, light on dark`;
    caption.textContent = name ? text : 'As the network sees it: 28 × 28 pixels';
    table.ariaLabel = `${name || 'The digit'}: what the network says of each class`;
    rows.forEach(({bar, cells, row}, k) => {
      const p = digit.probabilities[k];
      row.className = finite && k === best ? 'best' : '';
      bar.style.width = `${100 * (p ?? 0)}%`;
      cells[1].textContent = p === null ? '–' : percent(p, 1);
      cells[2].textContent = digit.logits[k] === null ? '–' : digit.logits[k].toFixed(2).replace('-', '−');
    });
  }

  function tellGuess(digits) {
    let text = 'What the network reads', spoken = '';
    if (digits.length > 0 && !digits.every(allFinite)) {
      text = spoken = 'This network’s outputs are no numbers any more. Choose another.';
    } else if (digits.length === 1) {
      const best = bestOf(digits[0]);
      text = spoken = `Read as ${best}, ${percent(digits[0].probabilities[best], 0)}`;
    } else if (digits.length > 1) {
      text = spoken = `Read as ${digits.map(bestOf).join(' ')}`;
    } else if (marks.length > 0) {
      const able = fromFile() ? loaded : state.data === 'digits';
      text = able ? 'Nothing that could be a digit yet' : 'No network to read it';
    }
    $('draw-guess').textContent = text;
    sayWhenCalm(spoken);
  }

  function say(text) {
    $('draw-said').textContent = text;
  }

  // For screen readers, once the guess has stayed the same for a while.
  let awaited = '', timer = 0;
  function sayWhenCalm(text) {
    if (text === awaited) return;
    awaited = text;
    clearTimeout(timer);
    timer = setTimeout(() => say(text), 1200);
  }

  // ---- Files --------------------------------------------------------------------------------------------------------

  function download(bytes, name) {
    const link = make('a', {href: URL.createObjectURL(new Blob([bytes])), download: name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  $('draw-save-picture').onclick = () => {
    paint(picture);
    picture.toBlob(blob => download(blob, 'digit.png'), 'image/png');
  };

  $('draw-save').onclick = async () => {
    complain($('draw-alert'));
    try {
      download((await chosen().engine.ask({ask: 'save'})).bytes, 'model.safetensors');
    } catch (error) {
      refuse(`The network cannot be saved. ${error.message}.`);
    }
  };

  function refuse(text) {
    complain($('draw-alert'), text);
    $('draw-alert').scrollIntoView({block: 'nearest'});  // a file may be dropped far from it
  }

  // The C++'s own sentences begin with the file's name. Anything else comes from deeper, and means damage.
  function inPlainWords(error, name) {
    const clear = error.message.startsWith(`${name}: `) && !error.message.includes('json.exception');
    return clear ? `${error.message}. ${kReadable}` : `${name}: damaged, or no safetensors file. ${kReadable}`;
  }

  // Each file gets an engine of its own: what fails leaves nothing behind, and the model before it stays.
  async function load(file) {
    complain($('draw-alert'));
    const kLargest = 200e6;
    if (file.size > kLargest) {
      refuse(`${file.name}: expected a file of at most 200 MB, found ${short(file.size / 1e6)} MB.`);
      return;
    }
    const engine = new Engine();
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const {description} = await engine.ask({ask: 'load', name: file.name}, bytes);
      loaded?.engine.stop();
      loaded = {engine, name: file.name, description};
      change({drawNetwork: 'file'});
    } catch (error) {
      engine.stop();
      refuse(inPlainWords(error, file.name));
    }
  }

  $('draw-load').onclick = () => $('draw-file').click();
  $('draw-file').onchange = event => {
    const [file] = event.target.files;
    if (file) load(file);
    event.target.value = '';  // the same file can be chosen again
  };

  const section = $('draw');
  section.ondragover = event => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    section.classList.add('dropping');
  };
  section.ondragleave = event => {
    if (!section.contains(event.relatedTarget)) section.classList.remove('dropping');
  };
  section.ondrop = event => {
    section.classList.remove('dropping');
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    load(file);
  };

  // -------------------------------------------------------------------------------------------------------------------

  makeChoices();
  tables.draw = {
    show() {
      visible = true;
      drawn();
    },
    hide() {
      visible = false;
    },
    get reading() { return reading; },
  };
}
