"""Opens a comparison's report in headless Chromium and checks what a person would see. Called by report_page.sh."""

import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

page, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
options = Options()
for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
    options.add_argument(argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
failures = []
try:
    # Nothing may be fetched: the page must do without the network.
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                           {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0})
    for width in (400, 1400):
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        driver.get(page.as_uri())
        found = driver.execute_script("""
            const wide = [...document.querySelectorAll('body *')].filter(e => {
                const box = e.getBoundingClientRect();
                return box.right > innerWidth + 0.5 || box.left < -0.5 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0;
            });
            const plots = [...document.images];
            return {
                overflowing: wide.map(e => e.outerHTML.slice(0, 80)),
                pageWidth: document.documentElement.scrollWidth, plots: plots.length,
                invisible: plots.filter(i => !i.complete || i.naturalWidth === 0 ||
                    i.getBoundingClientRect().width < 200 || i.getBoundingClientRect().height < 100).length,
                outside: performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).map(r => r.name)};""")
        for check, ok in (("there are plots", found["plots"] > 0),
                          ("every plot is visible", found["invisible"] == 0),
                          ("nothing overflows", not found["overflowing"] and found["pageWidth"] <= width),
                          ("nothing is fetched", not found["outside"])):
            print(f"{'ok  ' if ok else 'FAIL'} {width} pixels: {check}")
            if not ok:
                failures.append((width, check, found))
        height = driver.execute_script("return document.documentElement.scrollHeight")
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": min(height, 16000), "deviceScaleFactor": 1, "mobile": width < 600})
        driver.save_screenshot(str(folder / f"report-{width}.png"))
    log = driver.get_log("browser")
    print(f"{'ok  ' if not log else 'FAIL'} the console is empty")
    if log:
        failures.append(log)
finally:
    driver.quit()
for failure in failures:
    print(failure, file=sys.stderr)
sys.exit(1 if failures else 0)
