"""Plays with the playground in headless Chromium, opened from disk, as a visitor would: all four tables, at 400 and
1400 pixels, in light and dark colours. Its numbers are compared with those of the same C++ compiled for this machine.

    python3 playground_page.py BUILD_PLAYGROUND TARE [FOLDER FOR SCREENSHOTS]
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

build, tare = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
shots = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
if shots:
    shots.mkdir(parents=True, exist_ok=True)
page, native = build / "playground.html", build / "native/playground"
folder = tempfile.TemporaryDirectory()
work = Path(folder.name)

options = Options()
options.binary_location = "/usr/bin/chromium"
for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run",
                 "disable-background-networking", "disable-component-update", "disable-sync",
                 f"user-data-dir={work / 'profile'}"):
    options.add_argument("--" + argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
options.add_experimental_option("prefs", {"download.default_directory": str(work)})
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
driver.set_script_timeout(120)
failures, checks = [], 0


def check(how, what, ok, found=""):
    global checks
    checks += 1
    if not ok:
        failures.append(f"{how}: {what} {str(found)[:300]}")


def command(name, **arguments):
    return driver.execute_cdp_cmd(name, arguments)


def element(selector):
    return driver.find_element("css selector", selector)


def run(script, *arguments):
    return driver.execute_script("return " + script, *arguments)


def wait(what, condition, seconds=60):
    """Until a JavaScript expression is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if run(condition):
            return True
        time.sleep(0.05)
    check("waiting", what, False, condition)
    return False


def open_page(address="", width=1400, scheme="light", motion="no-preference"):
    command("Emulation.setEmulatedMedia", media="screen", features=[
        {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}])
    command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    driver.get("about:blank")
    driver.get(page.as_uri() + address)


def ask(request, data=None):
    """A request to an engine of the test's own, in the page."""
    return driver.execute_async_script("""
      const [request, data, done] = arguments;
      window.testEngine ||= new Engine();
      const bytes = data === null ? undefined : Uint8Array.from(atob(data), c => c.charCodeAt(0));
      testEngine.ask(request, bytes).then(
        ({bytes, ...answer}) => done({...answer, bytes: btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''))}),
        error => done({error: error.message}));
    """, request, None if data is None else base64.b64encode(data).decode())


def ask_native(*lines):
    """The same, of the program; requests as dictionaries, and its own commands as text."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    done = subprocess.run([native], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


LOOK = """(width => {
  const contained = e => e && e !== document.body &&
    (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || contained(e.parentElement));
  const seen = e => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const all = [...document.querySelectorAll('body *')].filter(seen), name = e => e.outerHTML.slice(0, 100);
  const named = e => e.labels?.length || e.ariaLabel || e.getAttribute('aria-labelledby') || e.textContent.trim() ||
    e.title;
  return {
    width: document.documentElement.scrollWidth,
    wide: all.filter(e => e.getBoundingClientRect().right > width + 0.5 && !contained(e.parentElement)).map(name),
    nameless: all.filter(e => e.matches('button, input, select, textarea, [tabindex="0"]') && !named(e)).map(name),
    small: all.filter(e => e.matches('button') && e.getBoundingClientRect().height < 32).map(name),
    silent: all.filter(e => e.matches('canvas, img, svg') && !e.closest('[aria-hidden=true], [role=img], button') &&
      !e.ariaLabel && !e.getAttribute('aria-labelledby')).map(name),
    doubled: [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, ids) => ids.indexOf(id) !== i),
    dark: getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128,
  };
})(arguments[0])"""


def look(name, width, scheme):
    found = run(LOOK, width)
    how = f"{name}, {width} pixels, {scheme}"
    check(how, "nothing is wider than the page", found["width"] <= width and not found["wide"], found["wide"][:4])
    check(how, "the colours are the system's", found["dark"] == (scheme == "dark"))
    for what in ("nameless", "small", "silent", "doubled"):
        check(how, f"nothing is {what}", not found[what], found[what][:4])
    if shots:
        size = command("Page.getLayoutMetrics")["cssContentSize"]
        size["height"] = min(size["height"], 8000)
        shot = command("Page.captureScreenshot", captureBeyondViewport=True, clip={**size, "scale": 1})
        (shots / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))


def address_has(text):
    return wait(f"{text} in the address", f"location.hash.includes({json.dumps(text)})", 5)


def nothing_went_wrong(how):
    for entry in driver.get_log("browser"):
        check(how, "the console is empty", False, entry["message"])
    for entry in driver.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            check(how, "nothing is fetched", url.startswith(("data:", "blob:", "about:", page.as_uri())), url)


def same_bits():
    """300 steps of four networks, with and without BatchNorm, end on the same bits as natively."""
    open_page("#tape")
    for case in ({"norm": "batch"}, {"norm": "none"},
                 {"norm": "layer", "activation": "tanh", "optimizer": "adam", "lr": 0.002},
                 {"norm": "batch", "bias": "keep", "data": "spirals", "hidden": [32, 32], "activation": "sigmoid"}):
        create = {"ask": "create", "hidden": [256, 128], "batch": 128, "samples": 4000, "lr": 0.05, **case}
        steps, digest = {"ask": "steps", "count": 300}, {"ask": "digest"}
        there = ask_native(create, steps, digest)
        here = [ask(request) for request in (create, steps, digest)]
        check("bits", f"{case}: it trains", len(here[1].get("loss", [])) == 300, here[1])
        check("bits", f"{case}: the losses are the same", here[1].get("loss") == there[1]["loss"])
        check("bits", f"{case}: the weights are the same", here[2].get("digest") == there[2]["digest"],
              f"{here[2]} {there[2]}")
    nothing_went_wrong("bits")


def curves():
    begin = time.monotonic()
    open_page()
    wait("a first curve", "networks.list.length === 2 && networks.step > 5 && networks.list[0].tests.length > 0")
    print(f"first curve {time.monotonic() - begin:.1f} s after opening", flush=True)
    wait("150 steps", "networks.step >= 150")
    element("#run").click()
    accuracies = run("networks.list.map(network => network.tests.at(-1).accuracy)")
    check("curves", "learning rate 2: one learns, the other does not", accuracies[0] > 0.7 > 0.3 > accuracies[1],
          accuracies)
    check("curves", "charts say their values", "BatchNorm: " in element("#loss-chart").get_attribute("aria-label"))
    paused = run("networks.step")
    time.sleep(0.5)
    check("curves", "a pause is one", run("networks.step") == paused)
    element("#step").click()
    check("curves", "one step is one", wait("one step", f"networks.step === {paused + 1}"))
    drawn = run("[...document.querySelectorAll('.chart canvas')].map(c => c.getContext('2d').getImageData("
                "0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 0).length)")
    check("curves", "there are curves", len(drawn) == 4 and all(n > 500 for n in drawn[::2]), drawn)

    # While it trains, a learning rate changes and nothing begins anew.
    field = element("#set-lr")
    field.clear()
    field.send_keys("0,05" + Keys.TAB)
    check("curves", "a learning rate changes", run("state.lr") == 0.05 and run("networks.step") == paused + 1)
    check("curves", "the address says it", address_has("lr=0.05"))
    for text in ("fast", "-1", "", "1e999", "0x"):
        field.clear()
        field.send_keys(text + Keys.TAB)
        alert = run("[...document.querySelectorAll('#controls [role=alert]')].filter(e => !e.hidden).map("
                    "e => e.textContent)")
        check("curves", f"a learning rate of “{text}” is refused", len(alert) == 1 and
              "Learning rate: expected a number" in alert[0] and run("state.lr") == 0.05, alert)
    element("#run").click()
    wait("going on", f"networks.step > {paused + 3}")
    check("curves", "it trains after wrong input", run("networks.running"))
    # What the page does is what the program does: the same changes at the same steps.
    element("#run").click()
    time.sleep(0.3)

    Select(element("#scenes")).select_by_visible_text("the bias that cancels")
    wait("the scene's networks", "networks.list.length === 2 && networks.list[1].kind === 'keep' && networks.step > 20")
    near = run("networks.list[0].loss.slice(0, 5).every((loss, i) => Math.abs(loss - networks.list[1].loss[i]) < 1e-3)")
    check("curves", "a kept bias changes nothing", near)
    element("#run").click()
    run("[...document.querySelectorAll('#cards button')].find(b => b.textContent.includes('LayerNorm')).click()")
    check("curves", "a network is added", wait("three networks", "networks.list.length === 3") and
          address_has("nets=batch,keep,layer"))
    for key, value in (("set-data", "moons"), ("set-activation", "tanh"), ("set-optimizer", "adam")):
        Select(element("#" + key)).select_by_value(value)
    wait("networks anew", "networks.list.every(network => network.tests.length > 0)")
    element("#step").click()
    wait("one step of moons", "networks.step === 1")
    check("curves", "a deep link is the state", run("networks.list[0].layers[0]").startswith("Linear(2, "))
    address_has("optimizer=adam")
    address = driver.current_url.split("#")[1]
    open_page("#" + address)
    check("curves", "a link opens the same state", wait("the state of the link", "networks.list.length === 3") and
          driver.current_url.endswith(address) and run("state.activation") == "tanh")
    open_page("#curves?lr=fast&nets=batch")
    wait("a first step", "networks.step > 0")
    check("curves", "a wrong address is said", "lr=fast" in element("#failure").text and run("state.lr") == 2)
    nothing_went_wrong("curves")


def stroke(points):
    """With the mouse, in shares of the paper."""
    box = run("(b => [b.x, b.y, b.width, b.height])($('draw-canvas').getBoundingClientRect())")
    for i, (x, y) in enumerate(points + points[-1:]):
        kind = "mousePressed" if i == 0 else "mouseMoved" if i < len(points) else "mouseReleased"
        command("Input.dispatchMouseEvent", type=kind, x=box[0] + x * box[2], y=box[1] + y * box[3], button="left",
                buttons=0 if kind == "mouseReleased" else 1, clickCount=1)


def draw():
    open_page("#draw")
    wait("networks", "networks.list.length === 2 && networks.list[0].tests.length > 0")
    check("draw", "the page says that nothing is trained", element("#draw-train").is_displayed())
    element("#draw-train").click()
    wait("300 steps", "networks.step >= 300 && !networks.running")
    for digit in (7, 2):
        element("#draw-clear").click() if element("#draw-clear").is_enabled() else None
        element(f"#draw-examples button[aria-label='Example of a {digit}']").click()
        read = wait(f"a {digit}", f"$('draw-guess').textContent.includes('Read as {digit}')")
        check("draw", f"an example of a {digit} is read", read,
              element("#draw-guess").text)
    # By hand, and by keys.
    element("#draw-clear").click()
    run("$('draw-canvas').scrollIntoView()")
    stroke([(0.4, 0.15), (0.6, 0.15), (0.58, 0.3), (0.52, 0.5), (0.47, 0.7), (0.45, 0.85)])
    wait("a reading", "tables.draw.reading && tables.draw.reading.digits.length === 1")
    total = sum(run("tables.draw.reading.digits[0].probabilities"))
    check("draw", "probabilities sum to 1", abs(total - 1) < 1e-6, total)
    check("draw", "ten bars are shown", run("document.querySelectorAll('.draw-reading tbody tr').length") == 10)
    element("#draw-undo").click()
    canvas = element("#draw-canvas")
    canvas.send_keys(Keys.SPACE, *[Keys.ARROW_DOWN] * 20, Keys.SPACE)
    check("draw", "keys draw", wait("a reading of keys", "tables.draw.reading?.digits.length > 0"))

    # A model of the program: the same logits for the same picture, to the last bit.
    model = work / "native.safetensors"
    subprocess.run([tare, "train", "--data", "digits", "--epochs", "1", "--hidden", "32", "--save", model, "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    element("#draw-file").send_keys(str(model))
    wait("the model", "$('draw-network-file').checked && $('draw-about-file').textContent.includes('native')")
    rows = cols = 40
    seven = lambda y, x: 9 <= x <= 31 and 8 <= y <= 11 or 24 <= x <= 28 and 8 < y < 34  # noqa: E731
    picture = bytes(255 * seven(*divmod(i, cols)) for i in range(rows * cols))
    (work / "picture").write_bytes(picture)
    load, predict = {"ask": "load", "name": "x"}, {"ask": "predict", "rows": rows, "cols": cols, "loaded": True}
    there = ask_native(f"< {model}", load, f"< {work / 'picture'}", predict)
    check("draw", "the model loads", "error" not in ask(load, model.read_bytes()))
    here = ask(predict, picture)
    check("draw", "its logits are the same to the bit", len(there[1]["digits"]) == 1 and
          here.get("digits") == there[1]["digits"], f"{here} {there}")

    # What is no model, or not one for digits, is refused, and the page goes on.
    toy, cut, text = work / "toy.safetensors", work / "cut.safetensors", work / "text.safetensors"
    subprocess.run([tare, "train", "--data", "moons", "--epochs", "1", "--save", toy, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    cut.write_bytes(model.read_bytes()[:-5])
    text.write_text("no model")
    for wrong in (toy, cut, text):
        element("#draw-file").send_keys(str(wrong))
        check("draw", f"{wrong.name} is refused", wait(f"an error about {wrong.name}",
              f"!$('draw-alert').hidden && $('draw-alert').textContent.includes('{wrong.name}')"))
    check("draw", "the model from before is still there", "native" in element("#draw-about-file").text)

    # What is trained here is saved, and read by the program.
    element("#draw-network-0").click()
    command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(work))
    element("#draw-save").click()
    saved = work / "model.safetensors"
    end = time.monotonic() + 20
    while not saved.exists() and time.monotonic() < end:
        time.sleep(0.1)
    done = subprocess.run([tare, "eval", saved, "--data", "digits", "--json"], capture_output=True, text=True)
    check("draw", "the program scores a model of the page", done.returncode == 0 and
          json.loads(done.stdout)["test_accuracy"] > 0.7, done.stderr)
    nothing_went_wrong("draw")


def tape():
    open_page("#tape")
    wait("a graph", "document.querySelectorAll('[id^=tape-entry-]').length === 12 && "
         "!document.querySelector('.tape-value.unknown')")
    loss = lambda: run("$('tape-entry-11').textContent")  # noqa: E731
    first = loss()
    # A node at a time, forward and back.
    element("#tape-first").click()
    unknown = run("document.querySelectorAll('.tape-value.unknown').length")
    for _ in range(12):
        element("#tape-next").click()
    check("tape", "values appear one by one", unknown > 5 and
          run("document.querySelectorAll('.tape-value.unknown').length") == 0, unknown)
    check("tape", "then gradients", run("document.querySelectorAll('.tape-gradient.unknown').length") > 5)
    element("#tape-next").click()
    check("tape", "the place is said", "backward" in element("#tape-position").text, element("#tape-position").text)
    element("#tape-last").click()
    check("tape", "in the end all are there", run("document.querySelectorAll('.tape-gradient.unknown').length") == 0)

    # Every op has its formula and its code, whatever the network is made of.
    for norm in ("batch", "composed", "layer", "none", "diagonal"):
        Select(element("#tape-norm")).select_by_value(norm)
        wait(norm, f"state.tapeNorm === '{norm}' && document.querySelectorAll('[id^=tape-entry-]').length >= 9")
        time.sleep(0.4)
        count = run("document.querySelectorAll('[id^=tape-entry-]').length")
        for i in range(count):
            run(f"$('tape-entry-{i}').click()")
            panel = run("[$('tape-panel').textContent, $('tape-panel').querySelectorAll('pre').length]")
            check("tape", f"{norm}, value {i}: there is code", panel[1] > 0 and ".cpp:" in panel[0], panel[0][:200])
    # Behind BatchNorm a constant of the bias moves nothing; without it, everything.
    for norm, says in (("batch", "nothing moves"), ("none", "move")):
        Select(element("#tape-norm")).select_by_value(norm)
        run("(e => { e.value = 1.5; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); })"
            "($('tape-bias'))")
        time.sleep(0.5)
        said = element("#tape-bias-says").text
        check("tape", f"a constant added to the bias, {norm}", says in said.lower() and
              (norm == "batch" or "nothing moves" not in said.lower()), said)
    run("$('tape-bias-zero').click()")
    Select(element("#tape-norm")).select_by_value("batch")
    time.sleep(0.5)
    check("tape", "back to the first loss", loss() == first, f"{first} {loss()}")
    # A number typed in moves what depends on it. Enter leads to the numbers, Escape back.
    element("#tape-entry-1").send_keys(Keys.ENTER)
    check("tape", "keys lead to the numbers", run("document.activeElement.id") == "tape-w1-0-0")
    element("#tape-w1-0-0").send_keys(Keys.ESCAPE)
    check("tape", "and back", run("document.activeElement.id") == "tape-entry-1")
    field = element("#tape-w1-0-1")
    field.clear()
    field.send_keys("2" + Keys.TAB)
    time.sleep(0.5)
    check("tape", "the loss moves", loss() != first and run("document.querySelectorAll('.moved').length") > 3, loss())
    field = element("#tape-w1-0-1")
    field.clear()
    field.send_keys("two" + Keys.TAB)
    time.sleep(0.3)
    check("tape", "text is refused", "two" in element("#tape-wrong-text").text, element("#tape-wrong-text").text)
    check("tape", "the wrong derivation is found out", "wrong" in element("#tape").text.lower() and
          run("document.querySelectorAll('#tape-compared td.wrong').length") > 0)
    here = ask({"ask": "tape", "norm": "composed"})
    here.pop("bytes")
    check("tape", "its numbers are those of the program", here == ask_native({"ask": "tape", "norm": "composed"})[0])
    nothing_went_wrong("tape")


def inside():
    open_page("#inside?nets=batch,none,keep&depth=3")
    wait("a first look", "document.querySelectorAll('.inside-layer canvas').length >= 18")
    element("#inside-start").click()
    wait("steps", "networks.step >= 40")
    element("#inside-start").click()
    wait("a pause", "!networks.running")
    time.sleep(0.5)
    drawn = run("[...document.querySelectorAll('.inside-layer canvas')].slice(0, 4).map("
                "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 0).length)")
    check("inside", "there are histograms", drawn and all(n > 300 for n in drawn), drawn)
    check("inside", "something is found in them", run("document.querySelectorAll('#inside-findings li').length") > 0)
    norms = run("networks.list[2].inside.parameters.filter(p => p.cancelled).map(p => [p.gradient_norm, p.name])")
    betas = run("networks.list[2].inside.parameters.filter(p => p.role === 'beta').map(p => p.gradient_norm)")
    check("inside", "three biases cancel, and beta does not", len(norms) == 3 and all(n < 1e-5 for n, _ in norms) and
          all(b > 1e-4 for b in betas), f"{norms} {betas}")
    check("inside", "they are shown", run("document.querySelectorAll('.inside-biases tbody tr').length") == 3)
    element("#inside-spirals").click()
    wait("spirals", "state.data === 'spirals' && document.querySelectorAll('.inside-planes canvas').length === 3")
    element("#inside-start").click()
    wait("steps on spirals", "networks.step >= 60")
    element("#inside-start").click()
    time.sleep(1.5)
    colours = run("(c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer))"
                  ".size)(document.querySelector('.inside-planes canvas'))")
    check("inside", "regions are drawn", colours > 20, colours)
    nothing_went_wrong("inside")


def book():
    """Every state that the book links to is one: nothing of the address is lost or refused."""
    text = "\n".join(path.read_text() for path in (Path(__file__).parents[2] / "docs").rglob("*.md"))
    links = sorted(set(re.findall(r"build-playground/playground\.html(#[^)\s]+)\)", text)))
    check("book", "it links to states", len(links) >= 10, links)
    for link in links:
        open_page(link)
        wait("networks", "networks.list.length > 0")
        time.sleep(0.3)
        parts = [sorted(re.split("[?&]", text)) for text in (link, run("address()"))]
        check("book", f"{link} is a state", parts[0] == parts[1] and
              not element("#failure").is_displayed(), run("address()"))
    nothing_went_wrong("book")


def layouts():
    for width, scheme in ((1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")):
        for name in ("curves", "inside", "tape", "draw"):
            open_page(f"#{name}", width, scheme)
            if name == "curves":
                wait("some steps", "networks.step > 20")
                run("networks.pause()")
            time.sleep(1.5)
            look(name, width, scheme)
            check(name, "the page opens at its top", run("scrollY") == 0)
            nothing_went_wrong(f"{name}, {width}")
    open_page("#inside?data=spirals&lr=0.1&nets=batch,none,keep", 400)
    time.sleep(2)
    look("inside-spirals", 400, "light")
    open_page("", motion="reduce")
    wait("networks", "networks.list.length === 2 && networks.list.every(network => network.tests.length > 0)")
    time.sleep(0.5)
    check("motion", "nothing moves by itself", run("networks.step") == 0)
    tab = element("#tab-curves")
    tab.send_keys(Keys.ARROW_RIGHT)
    check("keys", "arrows change tables", run("table") == "inside" and
          run("document.activeElement.id") == "tab-inside", run("table"))


def old_browsers():
    """What a browser lacks is a sentence, on a page that still opens its tables."""
    for source, place, word in (("WebAssembly.validate = () => false", "failure", "SIMD"),
                                ("delete window.WebAssembly", "failure", "no WebAssembly"),
                                ("delete window.DecompressionStream", "failure", "no DecompressionStream"),
                                ("Worker = class { constructor() { throw Error('blocked') } }", "curves-failure",
                                 "No worker")):
        script = command("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]
        open_page()
        wait("the sentence", f"!$('{place}').hidden")
        check(source, "it is said", word in element(f"#{place}").text, element(f"#{place}").text)
        for name, button in (("inside", "#inside-start"), ("tape", "#tape-play"), ("draw", "#draw-train")):
            element(f"#tab-{name}").click()
            element(button).click()
            wait("it is said here", f"[...document.querySelectorAll('[role=alert]')].some(e => e.checkVisibility() && "
                 f"e.textContent.includes('{word}'))", 5)
            check(source, f"{name} opens", element(f"#{name}").is_displayed())
        command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        for entry in driver.get_log("browser"):
            check(source, "no script goes wrong", "TypeError" not in entry["message"], entry["message"])
        driver.get_log("performance")


def addresses():
    """A value that does not fit is said, and the page is as without it."""
    open_page("#tape")
    for wrong in ("curves?lr=1e300", "curves?lr=", "curves?depth=0", "curves?depth=2.5", "curves?width=1e9",
                  "curves?batch=1", "curves?batch=99999", "curves?init=-1", "curves?seed=-3", "curves?seed=1.5",
                  "curves?data=faces", "curves?nets=", "curves?nets=foo", "curves?nets=toString",
                  "curves?activation=swish", "curves?optimizer=x", "curves?toString=1", "toString", "tape?tapeAt=999",
                  "tape?tapeNorm=foo", "tape?tapeBias=9", "draw?drawNetwork=9", "inside?layers=99"):
        run("location.hash = arguments[0]", "#" + wrong)
        said = wait(f"{wrong} is said", "!$('failure').hidden && $('failure').textContent.includes("
                    f"{json.dumps(wrong.split('?')[-1])})", 5)
        check("addresses", f"{wrong}: all is as at first", said and run(
            "Object.keys(state).every(key => state[key] === firstState[key]) && $(table).checkVisibility()"))
        run("change({seed: 2})")
        check("addresses", "what was said goes", not element("#failure").is_displayed())
    nothing_went_wrong("addresses")


def impatience():
    """Buttons and sliders faster than the networks, and networks that all fail."""
    open_page("#curves?width=16")
    wait("a first step", "networks.step > 0")
    run("(() => { for (let i = 0; i < 41; ++i) $('run').click(); })()")
    time.sleep(0.5)
    step = run("networks.step")
    time.sleep(0.5)
    check("impatience", "an odd number of clicks pauses", run("networks.step") == step and not run("networks.running"))
    check("impatience", "the accuracy is that of the last step",
          run("networks.list.every(n => n.diverged || n.tests.at(-1).step === n.step)"))
    slide = """((key, ...values) => {
      const slider = document.querySelector(`#set-${key} ~ [type=range]`);
      for (const value of values) { slider.value = value; slider.dispatchEvent(new Event('input')); }
      return slider.getAttribute('aria-valuetext');
    })(...arguments)"""
    element("#run").click()
    run(slide, "depth", 3, 4, 2)
    check("impatience", "new networks train, too", wait("steps", "networks.running && networks.step > 5"))
    before = run("[networks.generation, networks.step]")
    for key, values in (("lr", [-2, -1]), ("momentum", [0.5, 0.9]), ("decay", [0.01, 0.001]), ("batch", [1, 2])):
        run(slide, key, *values)
    Select(element("#set-optimizer")).select_by_value("adam")
    check("impatience", "a slider says its value", run(slide, "lr", -2) == "0.01")
    check("impatience", "momentum is for SGD", run(
        "[...document.querySelectorAll('#set-momentum, #set-momentum ~ input')].every(input => input.disabled)"))
    wait("more steps", f"networks.step > {before[1] + 5}")
    check("impatience", "nothing began anew", run("networks.generation") == before[0] and
          run("networks.list.every(n => n.loss.length === n.step + n.diverged)"))
    # The values under the cursor are those of its step, in both charts.
    element("#run").click()
    time.sleep(0.5)
    run("$('accuracy-chart').scrollIntoView()")
    box = run("(b => [b.x + b.width * 0.6, b.y + 60])($('accuracy-chart').getBoundingClientRect())")
    command("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    said = run("$('cards').querySelector('dt').textContent.match(/\\d+/)[0]")
    check("impatience", "a test belongs to its step", run(f"networks.list[0].tests.some(t => t.step === {said})"), said)
    element("#cards button").send_keys(Keys.ENTER)
    check("impatience", "the focus stays", wait("one network", "networks.list.length === 1") and
          run("$('cards').contains(document.activeElement)"))
    open_page("#curves?nets=none&lr=100&init=1000&depth=12")
    wait("a failure", "networks.list[0].diverged && !networks.running")
    step = run("networks.step")
    for button in ("#run", "#step"):
        element(button).click()
        check("impatience", f"{button}: it is said that all failed",
              "All networks" in element("#curves-failure").text)
    run("change({lr: 0.001, init: 1})")
    element("#step").click()
    check("impatience", "no step was counted, new networks train", wait("a step", "networks.step === 1") and
          step == 0 and not element("#curves-failure").is_displayed())
    command("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    check("high contrast", "one tab stands out", run("new Set([...document.querySelectorAll('[role=tab]')].map(tab => "
          "getComputedStyle(tab).borderBottomColor)).size") == 2)
    check("high contrast", "a network has its colour", run(
        "(e => { document.body.append(e); return getComputedStyle(e).backgroundColor; })"
        "(make('i', {className: 'inside-dot', style: '--of: rgb(1, 2, 3)'}))") == "rgb(1, 2, 3)")
    nothing_went_wrong("impatience")


driver.get("about:blank")
driver.get_log("performance")  # of the browser's own first page
try:
    same_bits()
    curves()
    inside()
    tape()
    draw()
    book()
    layouts()
    addresses()
    impatience()
    old_browsers()
finally:
    driver.quit()
for failure in failures:
    print("FAILED", failure)
size = page.stat().st_size
check("size", "the page is below 1 MB", size < 1_000_000, size)
print(f"{checks} checks, {len(failures)} failed; {size:,} bytes")
sys.exit(1 if failures or checks < 60 else 0)
