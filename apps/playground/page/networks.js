// The networks that train on the page: one worker each, all at the same step. Curves sets what they are; the other
// tables look at them.
'use strict';

const kinds = {
  batch: {label: 'BatchNorm', colour: '--batch', dash: null, request: {norm: 'batch', bias: 'auto'}},
  none: {label: 'no normalization', colour: '--none', dash: [8, 3], request: {norm: 'none', bias: 'auto'}},
  keep: {label: 'BatchNorm, bias kept', colour: '--keep', dash: [2, 3], request: {norm: 'batch', bias: 'keep'}},
  layer: {label: 'LayerNorm', colour: '--layer', dash: [10, 3, 2, 3], request: {norm: 'layer', bias: 'auto'}},
};

define({
  nets: 'batch,none', data: 'digits', lr: 2, batch: 64, depth: 2, width: 64, activation: 'relu', optimizer: 'sgd',
  momentum: 0, decay: 0, init: 1, seed: 1,
}, {
  nets: names => names.split(',').every(name => Object.hasOwn(kinds, name)) ? '' :
    `some of ${Object.keys(kinds).join(', ')}, with commas`,
});
// These may change while the networks train. The others need new networks.
const whileTraining = new Set(['lr', 'batch', 'optimizer', 'momentum', 'decay']);
const ofNewNetworks = new Set(['nets', 'data', 'depth', 'width', 'activation', 'init', 'seed']);

const networks = {
  list: [],
  running: false,
  inspect: false,  // every round ends with a look inside
  step: 0,
  listeners: new Set(),
  // f('made'): there are new ones; f('round'): steps were made; f('state'): started or paused; f('failed'): see error.
  on(f) { this.listeners.add(f); },
  tell(event) { for (const f of this.listeners) f(event); },

  // New networks. If the old ones trained, so do they.
  async reset() {
    const goesOn = this.running;
    this.running = false;
    this.run = null;
    this.generation = (this.generation || 0) + 1;
    const generation = this.generation;
    for (const network of this.list) network.engine.stop();
    this.list = [...new Set(state.nets.split(','))].map(kind => ({
      kind, ...kinds[kind], engine: new Engine(), step: 0, loss: [], tests: [], diverged: false, inside: null,
      layers: [], parameters: 0,
    }));
    this.step = 0;
    this.error = null;
    this.perRound = 1;
    this.nextTest = 0;
    this.made = Promise.all(this.list.map(async network => {
      const reply = await network.engine.ask({ask: 'create', ...network.request, ...requestOf(state)});
      Object.assign(network, {layers: reply.layers, parameters: reply.parameters, description: reply.description});
      await this.test(network);
    }));
    this.tell('made');
    if (goesOn) this.start();
    try {
      await this.made;
    } catch (error) {
      if (generation === this.generation) this.fail(error);
      return;
    }
    if (generation === this.generation) this.tell('round');
  },

  fail(error) {
    this.error = error;
    this.pause();
    this.tell('failed');
  },

  async test(network) {
    const {accuracy, loss} = await network.engine.ask({ask: 'test'});
    network.tests.push({step: network.step, accuracy, loss});
  },

  able() { return this.list.filter(network => !network.diverged); },

  // Says so if there is nothing left to train.
  canTrain() {
    if (this.able().length > 0) return true;
    this.fail(new Error('All networks have failed: their losses are no numbers any more. Make new ones, with a ' +
      'smaller learning rate or smaller initial weights.'));
    return false;
  },

  // So many steps of every network that still can, and then a test if it is time for one, or `tests`.
  async round(count, tests = false) {
    const generation = this.generation, able = this.able();
    await Promise.all(able.map(async network => {
      const reply = await network.engine.ask({ask: 'steps', count, inspect: this.inspect});
      network.loss.push(...reply.loss);
      network.step = reply.step;
      network.diverged = reply.diverged;
      if (reply.inside) network.inside = reply.inside;
    }));
    if (generation !== this.generation) return;
    this.step = Math.max(...this.list.map(network => network.step));
    // Testing may take a sixth of the time.
    const begin = performance.now();
    if (begin > this.nextTest || tests) {
      await this.testAll();
      this.nextTest = performance.now() + 5 * (performance.now() - begin);
    }
    if (generation === this.generation) this.tell('round');
  },

  async testAll() {
    const due = this.able().filter(network => network.tests.at(-1)?.step !== network.step);
    await Promise.all(due.map(network => this.test(network)));
  },

  // Rounds of about a twelfth of a second, up to a step: a slow machine gets fewer steps in each.
  async start(end = Infinity) {
    if (this.running || !this.canTrain()) return;
    this.error = null;
    this.running = true;
    // Whoever pauses and goes on within a round has begun another run; this one then ends.
    const run = this.run = {};
    const generation = this.generation;
    this.tell('state');
    try {
      await this.made;
      while (run === this.run && this.step < end && this.able().length > 0) {
        const begin = performance.now();
        await this.round(Math.min(this.perRound, end - this.step));
        const share = 80 / Math.max(1, performance.now() - begin);
        this.perRound = Math.max(1, Math.min(500, Math.round(this.perRound * Math.min(2, Math.max(0.5, share)))));
        // The page draws and hears its buttons in between.
        await new Promise(resolve => setTimeout(resolve, 0));
      }
      // What is shown when it stands still belongs to the last step.
      if (generation === this.generation) await this.testAll();
    } catch (error) {
      if (generation === this.generation) this.fail(error);
    }
    if (run === this.run) this.pause();
    if (generation === this.generation) this.tell('round');
  },

  pause() {
    if (!this.running) return;
    this.running = false;
    this.run = null;
    this.tell('state');
  },

  async stepOnce(steps = 1) {
    this.pause();
    if (!this.canTrain()) return;
    const generation = this.generation;
    try {
      await this.made;
      await this.round(steps, true);
    } catch (error) {
      if (generation === this.generation) this.fail(error);
    }
  },
};

// The options of a network as the C++ knows them (requests.cpp).
function requestOf(values) {
  const samples = values.data === 'digits' ? 4000 : 2000;
  return {
    data: values.data, samples, hidden: Array(values.depth).fill(values.width), activation: values.activation,
    init_scale: values.init, seed: values.seed, optimizer: values.optimizer, lr: values.lr, batch: values.batch,
    momentum: values.optimizer === 'sgd' ? values.momentum : 0, weight_decay: values.decay,
  };
}

onChange.add(changed => {
  const some = keys => [...changed].some(key => keys.has(key));
  // Networks that could not be made, or went wrong, take no changes.
  if (some(ofNewNetworks) || some(whileTraining) && networks.error) {
    networks.reset();
  } else if (some(whileTraining)) {
    for (const network of networks.list) {
      network.engine.ask({ask: 'change', ...requestOf(state)}).catch(error => {
        if (error.message !== 'stopped') networks.fail(error);
      });
    }
  }
});
