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

  async reset() {
    const wasRunning = this.running;
    this.pause();
    this.generation = (this.generation || 0) + 1;
    const generation = this.generation;
    for (const network of this.list) network.engine.stop();
    const names = [...new Set(state.nets.split(','))].filter(name => name in kinds).slice(0, 4);
    this.list = (names.length > 0 ? names : ['batch']).map(kind => ({
      kind, ...kinds[kind], engine: new Engine(), step: 0, loss: [], accuracy: [], tests: [], diverged: false,
      inside: null, layers: [], parameters: 0,
    }));
    this.step = 0;
    this.error = null;
    this.perRound = 1;
    this.made = Promise.all(this.list.map(async network => {
      const reply = await network.engine.ask({ask: 'create', ...network.request, ...requestOf(state)});
      Object.assign(network, {layers: reply.layers, parameters: reply.parameters, description: reply.description});
      await this.test(network);
    }));
    this.tell('made');
    try {
      await this.made;
    } catch (error) {
      if (generation === this.generation) this.fail(error);
      return;
    }
    if (generation !== this.generation) return;
    this.tell('round');
    if (wasRunning) this.start();
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

  // `most` steps of every network that still can.
  async round(most) {
    const generation = this.generation;
    const able = this.list.filter(network => !network.diverged);
    await Promise.all(able.map(async network => {
      const reply = await network.engine.ask({ask: 'steps', most, inspect: this.inspect});
      network.loss.push(...reply.loss);
      network.accuracy.push(...reply.accuracy);
      network.step = reply.step;
      network.diverged = reply.diverged;
      if (reply.inside) network.inside = reply.inside;
    }));
    if (generation !== this.generation) return;
    this.step += most;
    // Testing may take a sixth of the time.
    const begin = performance.now();
    if (begin > (this.nextTest || 0) || most === 1) {
      await Promise.all(able.filter(network => !network.diverged).map(network => this.test(network)));
      this.nextTest = performance.now() + 5 * (performance.now() - begin);
    }
    if (generation === this.generation) this.tell('round');
  },

  // Rounds of about a twelfth of a second, up to a step: a slow machine gets fewer steps in each.
  async start(end = Infinity) {
    if (this.running) return;
    this.error = null;
    this.running = true;
    this.tell('state');
    const generation = this.generation;
    try {
      await this.made;
      while (this.running && generation === this.generation) {
        if (this.step >= end || this.list.every(network => network.diverged)) break;
        const begin = performance.now();
        await this.round(this.perRound);
        const share = 80 / Math.max(1, performance.now() - begin);
        this.perRound = Math.max(1, Math.min(500, Math.round(this.perRound * Math.min(2, Math.max(0.5, share)))));
        // The page draws and hears its buttons in between.
        await new Promise(resolve => setTimeout(resolve, 0));
      }
    } catch (error) {
      if (generation === this.generation) this.fail(error);
    }
    if (generation === this.generation && this.running) this.pause();
  },

  pause() {
    if (!this.running) return;
    this.running = false;
    this.tell('state');
  },

  async stepOnce(steps = 1) {
    this.pause();
    const generation = this.generation;
    try {
      await this.made;
      await this.round(steps);
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
  if ([...changed].some(key => ofNewNetworks.has(key))) {
    networks.reset();
  } else if ([...changed].some(key => whileTraining.has(key))) {
    for (const network of networks.list) {
      network.engine.ask({ask: 'change', ...requestOf(state)}).catch(error => {
        if (error.message !== 'stopped') networks.fail(error);
      });
    }
  }
});
