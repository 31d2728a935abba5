// What all tables share: the engines that run the C++, the state that an address can hold, and small helpers.
'use strict';

const $ = id => document.getElementById(id);

// ---- Engines --------------------------------------------------------------------------------------------------------

// The module, compiled once and given to every worker.
const compiled = (async () => {
  const text = $('module').textContent.trim();
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  if (typeof WebAssembly === 'undefined') {
    throw new Error('This browser has no WebAssembly, which the networks run in.');
  }
  if (typeof DecompressionStream === 'undefined') {
    throw new Error('This browser has no DecompressionStream, which unpacks the networks’ program. Browsers from ' +
      '2023 on have it.');
  }
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = await new Response(stream).arrayBuffer();
  if (!WebAssembly.validate(bytes)) {
    throw new Error('This browser’s WebAssembly has no SIMD, which the networks need. Browsers from 2023 on have it.');
  }
  return WebAssembly.compile(bytes);
})();
let isUseless = false;  // and the page says so
compiled.catch(error => {
  isUseless = true;
  complain($('failure'), error);
});

// A copy of the C++ in a worker of its own. ask() answers a request (requests.cpp), with `bytes` in the answer where
// there are any; an error of the C++ rejects it. Requests are answered in their order; what waits when the engine is
// stopped is rejected.
class Engine {
  constructor() {
    const script = new Blob([$('worker').textContent], {type: 'text/javascript'});
    this.address = URL.createObjectURL(script);
    this.waiting = new Map();
    this.count = 0;
    this.error = null;
    const ended = new Promise((_, reject) => { this.end = reject; });
    this.ready = Promise.race([this.begin(), ended]);
    this.ready.catch(() => {});
  }
  async begin() {
    const failed = why =>
      `No worker for the networks could be started: ${(why || 'the browser does not say why').replace(/\.$/, '')}.`;
    try {
      this.worker = new Worker(this.address);
    } catch (error) {
      throw new Error(failed(error.message));
    }
    this.worker.onerror = event => this.stop(failed(event.message));
    const module = await compiled;
    return new Promise(resolve => {
      this.worker.onmessage = ({data}) =>
        data.ready ? resolve() : data.failed ? this.stop(failed(data.failed)) : this.take(data);
      this.worker.postMessage({module});
    });
  }
  take({id, answer, bytes, error}) {
    const {resolve, reject} = this.waiting.get(id);
    this.waiting.delete(id);
    error === undefined ? resolve({...answer, bytes}) : reject(new Error(error));
  }
  async ask(request, bytes) {
    await this.ready;
    if (this.error) throw this.error;
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.count, {resolve, reject});
      this.worker.postMessage({id: this.count, request, bytes});
    });
  }
  stop(why = 'stopped') {
    this.error = new Error(why);
    this.end(this.error);
    this.worker?.terminate();
    URL.revokeObjectURL(this.address);
    for (const {reject} of this.waiting.values()) reject(this.error);
  }
}

// ---- State ----------------------------------------------------------------------------------------------------------

// What a table remembers: name and value stand in the address, "#curves?lr=2", unless they are as at first. A value has
// the type of the first one.
const state = {};
const firstState = {};
const expectations = {};  // name -> f(value): what an address should have said instead; nothing if the value fits
const onChange = new Set();
const tables = {};  // name -> {show(), hide()}
let table = 'curves';
let addressTimer;

function define(values, itsExpectations) {
  Object.assign(firstState, values);
  Object.assign(state, values);
  Object.assign(expectations, itsExpectations);
}

function address(name = table, values = state) {
  const changed = new URLSearchParams();
  for (const key of Object.keys(firstState)) {
    if (values[key] !== firstState[key]) changed.set(key, values[key]);
  }
  const text = changed.toString();
  return '#' + name + (text && '?' + text.replaceAll('%2C', ','));
}

// Changes what is remembered, the address with it, and tells whoever wants to know.
function change(values) {
  Object.assign(state, values);
  writeAddress();
  if (!isUseless) complain($('failure'), '');  // about an address that is not there any more
  for (const f of onChange) f(new Set(Object.keys(values)));
}

// Browsers refuse addresses that change as often as a slider moves.
function writeAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, '', address()), 200);
}

// Takes the state of an address. What it does not name, or names wrongly, is as at first.
function readAddress() {
  const [name, text = ''] = location.hash.slice(1).split('?');
  const values = {...firstState}, wrong = [];
  const isTable = Object.hasOwn(tables, name);
  if (name && !isTable) wrong.push(`The address names a table “${name.slice(0, 40)}”, which is not there.`);
  for (const [key, said] of new URLSearchParams(text)) {
    const pair = `${key}=${said}`.slice(0, 60);
    if (!Object.hasOwn(firstState, key)) {
      wrong.push(`The address says ${pair}, which is nothing that can be set.`);
      continue;
    }
    const first = firstState[key];
    const value = typeof first === 'number' ? said.trim() === '' ? NaN : Number(said) : said;
    const expected = expectations[key](value);
    if (expected) wrong.push(`The address says ${pair}: expected ${expected}. It stays ${first}.`);
    else values[key] = value;
  }
  if (!isUseless) complain($('failure'), wrong.join(' '));
  const changed = Object.keys(values).filter(key => values[key] !== state[key]);
  Object.assign(state, values);
  for (const f of onChange) f(new Set(changed));
  open(isTable ? name : 'curves');
}

function open(name) {
  tables[table]?.hide?.();
  table = name;
  for (const tab of document.querySelectorAll('[role=tab]')) {
    const chosen = tab.getAttribute('aria-controls') === name;
    tab.setAttribute('aria-selected', chosen);
    tab.tabIndex = chosen ? 0 : -1;
    $(tab.getAttribute('aria-controls')).hidden = !chosen;
  }
  writeAddress();
  tables[name].show?.();
}

// ---- Helpers --------------------------------------------------------------------------------------------------------

// Of what somebody types: with a comma or a point, and any minus.
const numberOf = text => text.trim() === '' ? NaN : Number(text.trim().replace(',', '.').replaceAll('−', '-'));

// Says what is wrong in an element with role=alert; nothing wrong hides it.
function complain(element, error) {
  element.hidden = !error;
  element.textContent = error ? error.message || error : '';
}

// A number as it is read: few digits, no exponent where there is no need.
function short(x, digits = 3) {
  if (x === null || x === undefined || Number.isNaN(x)) return 'not a number';
  if (x === 0) return '0';
  const size = Math.abs(x);
  return size >= 1e5 || size < 1e-3 ? x.toExponential(Math.max(0, digits - 2)).replace('-', '−').replace('e+', 'e') :
    String(Number(x.toPrecision(digits))).replace('-', '−');
}

// An element: make('b', {className: 'x', textContent: 'y'}, children...).
function make(tag, properties = {}, ...children) {
  const element = tag.startsWith('svg:') ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) :
    document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    name in element && !tag.startsWith('svg:') ? element[name] = value : element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const still = matchMedia('(prefers-reduced-motion: reduce)');
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
