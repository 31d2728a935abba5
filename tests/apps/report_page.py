"""Opens the report of a small comparison in headless Chromium and checks what a person would see: 400 and 1400 pixels
wide and on paper, in light and in dark colours, with scripts and without.

    python3 report_page.py PROGRAM [FOLDER FOR SCREENSHOTS]

Exit code 77, that of a skipped test, where there is no Chromium, no gnuplot or no dygraphs.
"""

import base64
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    print("skipped: selenium is not installed")
    sys.exit(77)
for needed in ("chromium", "chromedriver", "gnuplot"):
    if not shutil.which(needed):
        print(f"skipped: {needed} is not installed")
        sys.exit(77)

LOOK = r"""
const name = e => e.outerHTML.slice(0, 100), width = arguments[0];
const contained = e => e && e !== document.body &&
    (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || contained(e.parentElement));
const seen = e => e.checkVisibility({contentVisibilityAuto: true}) && e.getBoundingClientRect().width > 0;
const brightness = e => {
    const [red, green, blue, opacity = 1] = getComputedStyle(e).backgroundColor.match(/[\d.]+/g).map(Number);
    return opacity * (red + green + blue) / 765;
};
const pictures = [...document.images].filter(seen), dark = brightness(document.body) < 0.5;
return {
    width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight, dark,
    wide: [...document.querySelectorAll('body *')].filter(
        e => seen(e) && e.getBoundingClientRect().right > width + 0.5 && !contained(e.parentElement)).map(name),
    pictures: pictures.length, curves: pictures.filter(e => e.closest('.still')).length,
    invisible: pictures.filter(e => !e.complete || !e.naturalWidth || e.getBoundingClientRect().width < 200).map(name),
    lost: pictures.filter(e => brightness(e) < 0.9).map(name),
    silent: pictures.filter(e => e.alt.length < 20).map(name),
    charts: [...document.querySelectorAll('.plot canvas')].filter(seen).length / 2,
    tables: [...document.querySelectorAll('table')].filter(seen).length,
    headless: [...document.querySelectorAll('tbody tr')].filter(e => !e.querySelector('th[scope=row]')).length,
    captions: document.querySelectorAll('table > caption').length,
    resources: performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith('data:')),
};
"""
# Where charts end and what stands below them.
READ = r"""
return [...document.querySelectorAll('.chart')].map(chart => {
    const plot = chart.querySelector('.plot'), box = plot.getBoundingClientRect();
    return {
        panel: chart.closest('.panel').querySelector('summary').textContent, quantity: chart.dataset.quantity,
        x: box.x, y: box.y, width: box.width, height: box.height,
        at: chart.querySelector('.at').textContent,
        values: [...chart.querySelectorAll('.values li:not(.at)')].map(
            e => [e.querySelector('b').previousSibling.textContent, e.querySelector('b').textContent]),
        labels: [...plot.querySelectorAll('.dygraph-axis-label-y')].map(e => e.textContent),
        places: [...plot.querySelectorAll('.dygraph-axis-label-x')].map(e => e.textContent),
    };
});
"""
SET = """
const [name, value] = arguments, e = document.querySelector('#controls').elements[name];
e.type === 'checkbox' ? e.checked = value : e.value = value;
e.dispatchEvent(new Event('input')), e.dispatchEvent(new Event('change'));
"""
TICK = """
[...document.querySelectorAll('#controls fieldset label')].find(e => e.textContent.trim() === arguments[0]).click();
"""

program, shots = Path(sys.argv[1]).resolve(), Path(sys.argv[2]) if len(sys.argv) > 2 else None
folder = tempfile.TemporaryDirectory()
out = Path(folder.name) / "comparison"
subprocess.run([program, "compare", "--data", "digits", "--out", out, "--variant", "plain:--norm none", "--variant",
                "BatchNorm:--norm batch", "--lrs", "0.1,3", "--seeds", "3", "--epochs", "2", "--batch", "1000",
                "--eval-every", "10", "--hidden", "64,64,64", "--layers", "--quiet"], check=True,
               stdout=subprocess.DEVNULL)
page = out / "report.html"
if "Dygraph" not in page.read_text().replace("Dygraph === 'undefined'", ""):
    print("skipped: the program was built without dygraphs")
    sys.exit(77)
rows = list(csv.DictReader((out / "curves.csv").open()))
diverged = {(r["variant"], r["lr"], r["seed"]) for r in rows if r["test_accuracy"] == ""}

options = Options()
for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
    options.add_argument(argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
failures, checks = [], 0


def check(how, what, ok, found=""):
    global checks
    checks += 1
    if not ok:
        failures.append(f"{how}: {what} {found}")


def command(name, **arguments):
    return driver.execute_cdp_cmd(name, arguments)


def open_page(width, scheme="light", scripts=True, media="screen"):
    # Scripts that are switched on afterwards are those of this test alone.
    command("Emulation.setScriptExecutionDisabled", value=not scripts)
    command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
    command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    driver.get(page.as_uri())
    command("Emulation.setScriptExecutionDisabled", value=False)


def look(width, scheme, scripts, media="screen"):
    how = f"{width} pixels, {scheme}, scripts {'on' if scripts else 'off'}, {media}"
    open_page(width, scheme, scripts, media)
    found = driver.execute_script(LOOK, width)
    check(how, "nothing is wider than the page", found["width"] <= width and not found["wide"], found["wide"][:5])
    check(how, "the colours are the system's", found["dark"] == (scheme == "dark" and media == "screen"))
    for what in ("invisible", "lost", "silent", "resources"):
        check(how, f"nothing is {what}", not found[what], found[what][:3])
    charts = scripts and media == "screen"
    check(how, "the curves are charts, or else pictures",
          (found["charts"], found["curves"]) == ((4, 0) if charts else (0, 2)), (found["charts"], found["curves"]))
    check(how, "there are tables, with captions and row headers",
          found["tables"] >= 1 and found["captions"] >= found["tables"] and not found["headless"])
    if width < 600:
        check(how, "the page is short", found["height"] < 6000, found["height"])
    else:
        check(how, "everything is open", found["pictures"] >= 10, found["pictures"])
    for entry in driver.get_log("browser"):
        check(how, "the console is empty", False, entry["message"])
    for entry in driver.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            check(how, "nothing is fetched", url.startswith("data:") or url == page.as_uri(), url)
    if shots:
        size = command("Page.getLayoutMetrics")["cssContentSize"]
        size["height"] = min(size["height"], 9000)
        shot = command("Page.captureScreenshot", captureBeyondViewport=True, clip={**size, "scale": 1})
        name = f"report-{width}-{scheme}-{'on' if scripts else 'off'}-{media}.png"
        (shots / name).write_bytes(base64.b64decode(shot["data"]))


def mouse(kind, chart, x, y=0.5, buttons=0):
    command("Input.dispatchMouseEvent", type=kind, x=chart["x"] + x * chart["width"],
            y=chart["y"] + y * chart["height"], button="left" if buttons or kind == "mouseReleased" else "none",
            buttons=buttons, clickCount=0 if kind == "mouseMoved" else 1)


def shown(text):
    return text.replace("\u00a0", " ").removesuffix(" %")


def values_are_those_of_the_file():
    seen = 0
    for place in (0.2, 0.35, 0.5, 0.7, 0.95):
        mouse("mouseMoved", driver.execute_script(READ)[0], place)
        charts = driver.execute_script(READ)
        step = charts[0]["at"].removeprefix("At step ")
        for chart in charts:
            check("cursor", "it is in every chart", chart["at"] == f"At step {step}", chart["at"])
            for label, value in chart["values"]:
                variant, seed = label.split(", seed ")
                lr = chart["panel"].removeprefix("learning rate ")
                row = [r for r in rows if (r["variant"], r["seed"], r["lr"], r["step"]) == (variant, seed, lr, step)]
                number = row[0][chart["quantity"]] if row else ""
                if number in ("", "nan", "inf"):
                    ended = (variant, lr, seed) in diverged
                    check("cursor", f"{label} has ended", ended and ("diverged" in value or "step" in value), value)
                    continue
                seen += 1
                expected = float(number) * (100 if "accuracy" in chart["quantity"] else 1)
                check("cursor", f"{label} at step {step}", shown(value) == f"{expected:.6g}".replace("e-0", "e-"),
                      f"{value}, in curves.csv {number}")
    check("cursor", "there were values", seen >= 20, seen)


def controls():
    open_page(1400)
    before = driver.execute_script(READ)
    check("controls", "the mean is shown", all(len(c["values"]) == 2 for c in before))
    for side in (0, 1):
        check("controls", "panels have the same y range", before[side]["labels"] == before[2 + side]["labels"])
    check("controls", "what diverged is said", not diverged or "diverged" in json.dumps(before), diverged)

    driver.execute_script(TICK, "plain")
    check("controls", "a variant goes", all([v[0] for v in c["values"]] == ["BatchNorm"]
                                            for c in driver.execute_script(READ)))
    driver.execute_script(TICK, "plain")
    driver.execute_script(TICK, "2")
    check("controls", "a seed comes", all(len(c["values"]) == 4 for c in driver.execute_script(READ)))
    driver.execute_script(TICK, "mean and band")
    values_are_those_of_the_file()

    driver.execute_script(SET, "smooth", 3)
    last = [float(r["train_loss"]) for r in rows if (r["variant"], r["seed"], r["lr"]) == ("BatchNorm", "2", "0.1")]
    value = dict(driver.execute_script(READ)[1]["values"])["BatchNorm, seed 2"]
    check("controls", "smoothing is a mean", abs(float(value) - sum(last[-3:]) / 3) < 1e-5 * float(value), value)
    driver.execute_script(SET, "smooth", 1)

    for axis in ("seconds", "epoch"):
        driver.execute_script(SET, "x", axis)
        now = driver.execute_script(READ)
        check("controls", f"x can be {axis}", now[0]["places"] != before[0]["places"], now[0]["places"])
    check("controls", "the epochs end at 2", now[0]["places"][-1] in ("2", "1.8", "1.5"), now[0]["places"])
    driver.execute_script(SET, "x", "step")
    driver.execute_script(SET, "same", False)
    free = driver.execute_script(READ)
    check("controls", "panels can have y ranges of their own", free[0]["labels"] != free[2]["labels"])
    driver.execute_script(SET, "log", False)
    check("controls", "an axis can be linear", free[1]["labels"] != driver.execute_script(READ)[1]["labels"])
    driver.execute_script(SET, "beside", "test_loss")
    check("controls", "another quantity can be beside", driver.execute_script(READ)[1]["quantity"] == "test_loss")

    for kind, place, buttons in (("mouseMoved", 0.4, 0), ("mousePressed", 0.4, 1), ("mouseMoved", 0.5, 1),
                                 ("mouseMoved", 0.7, 1), ("mouseReleased", 0.7, 0)):
        mouse(kind, free[0], place, 0.5, buttons)
    zoomed = driver.execute_script(READ)
    check("controls", "zoom is linked", zoomed[0]["places"] != before[0]["places"] and
          len({tuple(c["places"]) for c in zoomed}) == 1, [c["places"] for c in zoomed])
    driver.find_element("id", "unzoom").click()
    check("controls", "and is undone", driver.execute_script(READ)[3]["places"] == before[3]["places"])
    for entry in driver.get_log("browser"):
        check("controls", "the console is empty", False, entry["message"])


try:
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    command("Network.enable")
    for width in (400, 1400):
        for scheme in ("light", "dark"):
            for scripts in (True, False):
                look(width, scheme, scripts)
    for scripts in (True, False):
        look(688, "dark", scripts, "print")  # the inside of an A4 page
    pdf = base64.b64decode(command("Page.printToPDF", preferCSSPageSize=True)["data"])
    check("print", "there are pages", 2 <= pdf.count(b"/Type /Page\n") <= 12, pdf.count(b"/Type /Page\n"))
    if shots:
        (shots / "report.pdf").write_bytes(pdf)
    controls()
finally:
    driver.quit()
    folder.cleanup()

print(f"{checks} checks")
for failure in failures:
    print("FAIL", failure, file=sys.stderr)
sys.exit(1 if failures else 0)
