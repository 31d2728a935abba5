// What all tables share: the engines that run the C++, the state that an address can hold, and small helpers.
'use strict';

const $ = id => document.getElementById(id);

// ---- Engines --------------------------------------------------------------------------------------------------------

// The module, compiled once and given to every worker.
const compiled = (async () => {
  const text = $('module').textContent.trim();
  const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  if (typeof WebAssembly === 'undefined') throw new Error('This browser has no WebAssembly, which the networks run in.');
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = await new Response(stream).arrayBuffer();
  if (!WebAssembly.validate(bytes)) {
    throw new Error('This browser’s WebAssembly has no SIMD, which the networks need. Browsers from 2023 on have it.');
  }
  return WebAssembly.compile(bytes);
})();
compiled.catch(error => complain($('failure'), error));

// A copy of the C++ in a worker of its own. ask() answers a request (requests.cpp), with `bytes` in the answer where
// there are any; an error of the C++ rejects it. Requests are answered in their order.
class Engine {
  constructor() {
    const script = new Blob([$('worker').textContent], {type: 'text/javascript'});
    this.address = URL.createObjectURL(script);
    this.worker = new Worker(this.address);
    this.waiting = new Map();
    this.count = 0;
    this.ready = compiled.then(module => new Promise((resolve, reject) => {
      this.worker.onmessage = ({data}) => data.ready ? resolve() : this.take(data);
      this.worker.onerror = error => reject(new Error(error.message));
      this.worker.postMessage({module});
    }));
    this.ready.catch(() => {});
  }
  take({id, answer, bytes, error}) {
    const {resolve, reject} = this.waiting.get(id);
    this.waiting.delete(id);
    error === undefined ? resolve({...answer, bytes}) : reject(new Error(error));
  }
  async ask(request, bytes) {
    await this.ready;
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.count, {resolve, reject});
      this.worker.postMessage({id: this.count, request, bytes});
    });
  }
  stop() {
    this.worker.terminate();
    URL.revokeObjectURL(this.address);
    for (const {reject} of this.waiting.values()) reject(new Error('stopped'));
  }
}

// ---- State ----------------------------------------------------------------------------------------------------------

// What a table remembers: name and value stand in the address, "#curves?lr=2", unless they are as at first. A value has
// the type of the first one.
const state = {};
const firstState = {};
const onChange = new Set();
const tables = {};  // name -> {show(), hide()}
let table = 'curves';
let addressTimer;

function define(values) {
  Object.assign(firstState, values);
  Object.assign(state, values);
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
  // Browsers refuse addresses that change as often as a slider moves.
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, '', address()), 200);
  for (const f of onChange) f(new Set(Object.keys(values)));
}

// Takes the state of an address. What it does not name is as at first.
function readAddress() {
  const [name, text = ''] = location.hash.slice(1).split('?');
  const found = new URLSearchParams(text), values = {...firstState};
  for (const [key, value] of found) {
    if (!(key in firstState)) continue;
    const first = firstState[key];
    values[key] = typeof first === 'number' ? Number(value) : typeof first === 'boolean' ? value === 'true' : value;
    if (typeof first === 'number' && !Number.isFinite(values[key])) {
      values[key] = first;
      complain($('failure'), `The address says ${key}=${value}: expected a number. It stays ${first}.`);
    }
  }
  const changed = Object.keys(values).filter(key => values[key] !== state[key]);
  Object.assign(state, values);
  for (const f of onChange) f(new Set(changed));
  open(name in tables ? name : 'curves');
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
  history.replaceState(null, '', address());
  tables[name].show?.();
}

// ---- Helpers --------------------------------------------------------------------------------------------------------

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
