"""`tare data fetch mnist` from a local HTTP server that serves the right files, wrong ones, cut ones, none, or nothing at all.

    python3 tests/apps/fetch_test.py build/tare

The right files are those of $TARE_DATA; without them the test is skipped (exit code 77).
"""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

NAMES = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
tare, mnist = sys.argv[1], Path(os.environ.get("TARE_DATA", "/nowhere"))
if not all((mnist / name).is_file() for name in NAMES):
    print("skipped: $TARE_DATA does not have the four .gz files of MNIST")
    sys.exit(77)

requests = []
ended = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how to behave."""

    def do_GET(self):
        _, behaviour, name = self.path.split("/")
        requests.append(self.path)
        body = (mnist / name).read_bytes()
        if behaviour == "forbidden":
            self.send_response(403)
            self.end_headers()
            self.wfile.write(b"<html><body>Forbidden</body></html>")
            return
        if behaviour == "page":
            body = b"<html><body>Sign in to this network</body></html>"
        if behaviour == "wrong":
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour == "hang":
            ended.wait()
            return
        try:
            if behaviour in ("short", "half"):
                body = body[:len(body) // 2]
            self.wfile.write(body)
            if behaviour == "half":
                ended.wait()
        except OSError:
            pass  # the other side has gone

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
failures = 0


def check(what, ok, found=""):
    global failures
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {what}{'' if ok else f': {found}'}")


def command(behaviour, folder):
    url = f"http://127.0.0.1:{server.server_address[1]}/{behaviour}"
    # Only where no answer comes may the clock decide: on a busy machine the right one can be late, too.
    timeout = "1" if behaviour == "hang" else "600"
    return [tare, "data", "fetch", "mnist", str(folder), "--mirror", url, "--timeout", timeout]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


with tempfile.TemporaryDirectory() as scratch:
    folder = Path(scratch) / "good"
    done = subprocess.run(command("good", folder), capture_output=True, text=True)
    check("right files are fetched", done.returncode == 0, done.stderr)
    check("and are whole", all(digest(folder / n) == digest(mnist / n) for n in NAMES))
    check("and nothing else is there", sorted(os.listdir(folder)) == sorted(NAMES), os.listdir(folder))
    (folder / NAMES[1]).write_bytes(b"damaged")
    requests.clear()
    done = subprocess.run(command("good", folder), capture_output=True, text=True)
    check("again, only what is not right is fetched", done.returncode == 0 and len(requests) == 1, requests)
    check("and it is right now", digest(folder / NAMES[1]) == digest(mnist / NAMES[1]))

    for behaviour in ("wrong", "short", "page", "forbidden", "hang"):
        folder = Path(scratch) / behaviour
        folder.mkdir()
        old = folder / NAMES[3]
        old.write_bytes(b"an older file")
        done = subprocess.run(command(behaviour, folder), capture_output=True, text=True)
        check(f"{behaviour}: an error that names the file", done.returncode == 1 and NAMES[0] in done.stderr, done)
        check(f"{behaviour}: what was there is as it was", old.read_bytes() == b"an older file")
        check(f"{behaviour}: nothing else is there", os.listdir(folder) == [NAMES[3]], os.listdir(folder))

    folder = Path(scratch) / "interrupted"
    process = subprocess.Popen(command("half", folder), stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    while process.poll() is None and not any(file.stat().st_size > 100_000 for file in folder.glob(".fetch-*/*.gz")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate()
    check("interrupted: the exit code says so", process.returncode in (130, -signal.SIGINT), process.returncode)
    left = os.listdir(folder) if folder.exists() else []
    check("interrupted: nothing half-written is left", left == [], left)

ended.set()
sys.exit(1 if failures else 0)
