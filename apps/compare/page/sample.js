// Curves for a look at report.html as it stands in this folder. The report of a comparison has its own.
'use strict';

window.sampleComparison = (() => {
  const random = seed => () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const run = (seed, speed) => {
    const draw = random(100 * seed + speed);
    const step = Array.from({length: 30}, (_, i) => 50 * (i + 1));
    const error = step.map(s => 0.02 + 0.4 * Math.exp(-s * speed / 800) + 0.006 * draw());
    return {seed, diverged: false, step, epoch: step.map(s => Math.ceil(s / 500)), seconds: step.map(s => s / 600),
            train_loss: error.map(e => 3 * e * (0.5 + draw())), test_loss: error.map(e => 3 * e),
            test_accuracy: error.map(e => 1 - e)};
  };
  const curve = (variant, speed, panel) =>
    ({variant, series: variant, panel, runs: [1, 2, 3].map(seed => run(seed, speed))});
  const curves = ['learning rate 0.1', 'learning rate 1'].flatMap(
    panel => [curve('no BatchNorm', 3, panel), curve('BatchNorm', 6, panel)]);
  return {summary: {cases: curves.map(() => ({}))}, test_samples: 10000, curves};
})();
