"""Opens every page of the website in headless Chromium and checks what a person would see. Called by site.sh."""

import functools
import http.server
import json
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

LOOK = r"""
const name = e => e.outerHTML.slice(0, 100);
const article = document.querySelector('article');
const found = {};
found.width = document.documentElement.scrollWidth;
// Of what is too wide, what no box above it scrolls or cuts off.
const contained = e => e && e !== document.body &&
    (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || contained(e.parentElement));
const width = arguments[0];
const wide = e => { const box = e.getBoundingClientRect(); return box.width > 0 && box.right > width + 0.5; };
found.wide = [...article.querySelectorAll('*')].filter(e => wide(e) && !contained(e.parentElement)).map(name);
if (found.width > width)
    found.wide.push(...[...document.querySelectorAll('body *')].filter(
        e => wide(e) && getComputedStyle(e).position !== 'fixed' && !contained(e.parentElement)).map(name));
found.formulas = document.querySelectorAll('.formula').length;
found.unset = [...document.querySelectorAll('.katex-error'),
    ...[...document.querySelectorAll('.formula')].filter(e => !e.querySelector('.katex-html'))].map(name);
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text; text = texts.nextNode();)
    if (/\$|\\[()[\]]|\{:/.test(text.data) && !text.parentElement.closest('pre, code, script, annotation, .dollar'))
        found.unset.push(text.data.trim().slice(0, 100));
found.unseen = [...document.images].filter(e => !e.complete || !e.naturalWidth).map(name);
found.images = document.images.length;
const brightness = e => {
    const [red, green, blue, opacity = 1] = getComputedStyle(e).backgroundColor.match(/[\d.]+/g).map(Number);
    return opacity * (red + green + blue) / 765;
};
found.dark = brightness(document.body) < 0.5;
// Pictures are drawn in black: without white behind them they are lost in the dark.
found.lost = found.dark ? [...article.querySelectorAll('img')].filter(e => brightness(e) < 0.9).map(name) : [];
found.links = [...document.querySelectorAll('a[href]')].map(e => e.href);
found.ids = [...document.querySelectorAll('[id], a[name]')].flatMap(e => [e.id, e.name]).filter(Boolean);
found.resources = performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith('data:'));
return found;
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


site, shots = Path(sys.argv[1]).resolve(), Path(sys.argv[2]) if len(sys.argv) > 2 else None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
threading.Thread(target=server.serve_forever, daemon=True).start()
home = f"http://127.0.0.1:{server.server_port}/"

options = Options()
for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
    options.add_argument(argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

# tests/playground.sh looks at the playground.
pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if path != site / "playground.html")
failures, links, ids = [], {}, {}
seen = {"pages": 0, "links inside the site": 0, "anchors": 0, "formulas": 0, "pictures": 0}


def fail(page, how, what):
    failures.append(f"{page}, {how}: {what}")


def look_at(page, width, scheme):
    how = f"{width} pixels, {scheme}"
    driver.get(home + page)
    # The theme and the formulas are done with when the page has loaded; fonts can change widths after that.
    driver.execute_async_script("const done = arguments[0]; document.fonts.ready.then(() => setTimeout(done));")
    found = driver.execute_script(LOOK, width)
    if found["width"] > width or found["wide"]:
        fail(page, how, f"wider than the page, {found['width']}: {found['wide'][:5]}")
    for what, elements in (("a formula that is not set", found["unset"]),
                           ("a picture that is not shown", found["unseen"]),
                           ("a picture without white behind it", found["lost"])):
        for element in elements:
            fail(page, how, f"{what}: {element}")
    if found["dark"] != (scheme == "dark"):
        fail(page, how, "the colours are not the system's")
    for entry in driver.get_log("browser"):
        if entry["level"] in ("SEVERE", "WARNING"):
            fail(page, how, entry["message"])
    # What was asked for, whether or not it came, and what the page says that it loaded.
    asked = [event["params"]["request"]["url"] for entry in driver.get_log("performance")
             if (event := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"]
    for url in {*asked, *found["resources"]}:
        if not url.startswith((home, "data:")):
            fail(page, how, f"asks for {url}")
    links[page], ids[page] = found["links"], set(found["ids"])
    seen["pages"] += 1
    seen["formulas"] += found["formulas"]
    seen["pictures"] += found["images"]
    if shots:
        driver.save_screenshot(str(shots / f"{page.replace('/', '-')}-{width}-{scheme}.png"))


try:
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    driver.execute_cdp_cmd("Network.enable", {})
    for width in (400, 1400):
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        for scheme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                   {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            for page in pages:
                look_at(page, width, scheme)
            print(f"{width} pixels, {scheme}: {len(pages)} pages", flush=True)
finally:
    driver.quit()
    server.shutdown()

for page in pages:
    for link in links.get(page, []):
        if not link.startswith(home):
            continue
        url, anchor = urldefrag(link)
        target = unquote(urlsplit(url).path).lstrip("/") or "index.html"
        seen["links inside the site"] += 1
        seen["anchors"] += bool(anchor)
        if not (site / target).is_file():
            fail(page, "links", f"{link}: there is no such file")
        elif anchor and target in ids and unquote(anchor) not in ids[target]:
            fail(page, "links", f"{link}: there is no such anchor")

for what, count in seen.items():
    print(f"{count} {what}")
    if not count:
        failures.append(f"No {what}: nothing was checked")
for failure in failures:
    print("FAIL", failure, file=sys.stderr)
sys.exit(1 if failures else 0)
