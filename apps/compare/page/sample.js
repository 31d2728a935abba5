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
  const cases = ['learning rate 0.1', 'learning rate 1'].flatMap(panel => ['no BatchNorm', 'BatchNorm'].map(
    variant => ({variant, series: variant, panel, options: {}})));
  const runs = cases.map(c => [1, 2, 3].map(seed => run(seed, c.variant === 'BatchNorm' ? 6 : 3)));
  return {summary: {cases, test_samples: 10000}, runs};
})();
