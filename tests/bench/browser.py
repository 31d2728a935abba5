"""Times training in a web page, as tests/bench/browser.sh says.

    python3 browser.py BUILD_PLAYGROUND [ROUNDS]

The work is W1 of the speed appendix: Linear(784, 256) - BatchNorm - ReLU - Linear(256, 128) - BatchNorm - ReLU -
Linear(128, 10), batches of 128, SGD with momentum 0.9, on one thread. The sides take turns; each number is the median
of the rounds.
"""

import functools
import http.server
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BATCH = 128
NETWORK = {"ask": "create", "hidden": [256, 128], "batch": BATCH, "samples": 10000, "lr": 0.05, "momentum": 0.9}

# TensorFlow.js at its best for this network: no bias in front of BatchNorm, its own fused layers, SIMD.
PREPARE_PEER = """
const done = arguments[0];
const load = name => new Promise((resolve, reject) => {
  document.head.append(Object.assign(document.createElement('script'), {src: name, onload: resolve, onerror: reject}));
});
(async () => {
  await load('/npm/node_modules/@tensorflow/tfjs/dist/tf.min.js');
  await load('/npm/node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js');
  tf.wasm.setWasmPaths('/npm/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
  await tf.setBackend('wasm');
  await tf.ready();
  const model = tf.sequential();
  model.add(tf.layers.dense({inputShape: [784], units: 256, useBias: false, kernelInitializer: 'heNormal'}));
  for (const units of [128, 10]) {
    model.add(tf.layers.batchNormalization({momentum: 0.9, epsilon: 1e-5}));
    model.add(tf.layers.reLU());
    model.add(tf.layers.dense({units, useBias: units === 10, kernelInitializer: 'heNormal'}));
  }
  model.add(tf.layers.softmax());
  model.compile({optimizer: tf.train.momentum(0.05, 0.9), loss: 'categoricalCrossentropy'});
  const labels = Int32Array.from({length: 128}, (_, i) => i % 10);
  const x = tf.randomNormal([128, 784]), y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
  window.peerSteps = async steps => {
    const begin = performance.now();
    let loss;
    for (let i = 0; i < steps; ++i) loss = await model.trainOnBatch(x, y);
    return [steps * 128000 / (performance.now() - begin), loss];
  };
  await window.peerSteps(2);
  return [tf.getBackend(), tf.version.tfjs, await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')];
})().then(done, error => done(String(error)));
"""
PEER = "const done = arguments[1]; peerSteps(arguments[0]).then(done, error => done(String(error)));"
PREPARE_PAGE = """
const done = arguments[1];
networks.pause();
window.timed = new Engine();
timed.ask(arguments[0]).then(() => timed.ask({ask: 'steps', count: 20})).then(() => done('ready'), e => done(String(e)));
"""
PAGE = """
const [steps, done] = arguments, begin = performance.now();
timed.ask({ask: 'steps', count: steps}).then(
  () => done(steps * 128000 / (performance.now() - begin)), error => done(String(error)));
"""


class Native:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask(NETWORK)
        self.ask({"ask": "steps", "count": 20})

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def samples_a_second(self, steps):
        begin = time.perf_counter()
        self.ask({"ask": "steps", "count": steps})
        return steps * BATCH / (time.perf_counter() - begin)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


build, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 7
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=build))
threading.Thread(target=server.serve_forever, daemon=True).start()
options = Options()
options.binary_location = "/usr/bin/chromium"
with tempfile.TemporaryDirectory() as profile:
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
                     "disable-background-networking", "disable-component-update", "disable-sync",
                     f"user-data-dir={profile}"):
        options.add_argument("--" + argument)
    browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        browser.set_script_timeout(300)
        browser.get(f"http://127.0.0.1:{server.server_port}/playground.html#tape")
        native = Native(build / "native/playground")
        answers = [browser.execute_async_script(PREPARE_PAGE, NETWORK), browser.execute_async_script(PREPARE_PEER)]
        if answers[0] != "ready" or not isinstance(answers[1], list):
            sys.exit(f"browser.py: could not begin: {answers}")
        backend, version, simd = answers[1]
        print(f"Chromium {browser.capabilities['browserVersion']}; TensorFlow.js {version}, backend {backend}, SIMD: {simd}",
              flush=True)
        times = {"playground": [], "native": [], "TensorFlow.js": []}
        for _ in range(rounds):
            times["playground"].append(browser.execute_async_script(PAGE, 100))
            times["native"].append(native.samples_a_second(100))
            times["TensorFlow.js"].append(browser.execute_async_script(PEER, 10)[0])
    finally:
        browser.quit()
middle = {side: statistics.median(values) for side, values in times.items()}
for side, value in middle.items():
    print(f"{side:15} {value:10,.0f} samples a second ({min(times[side]):,.0f} to {max(times[side]):,.0f})")
ratio = lambda a, b: statistics.median(x / y for x, y in zip(times[a], times[b]))  # noqa: E731
print(f"playground / native          {ratio('playground', 'native'):6.2f}")
print(f"playground / TensorFlow.js   {ratio('playground', 'TensorFlow.js'):6.1f}")
