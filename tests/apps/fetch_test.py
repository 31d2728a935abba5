"""`tare data fetch mnist` from a local HTTP server that serves the right files, wrong ones, cut ones, endless ones,
none, or nothing at all, redirects, and is a proxy.

    python3 tests/apps/fetch_test.py build/tare

The right files are those of $TARE_DATA; without them the test is skipped (exit code 77).
"""

import hashlib
import http.server
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

NAMES = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
tare, mnist = sys.argv[1], Path(os.environ.get("TARE_DATA", "/nowhere"))
if not all((mnist / name).is_file() for name in NAMES):
    print("skipped: $TARE_DATA does not have the four .gz files of MNIST")
    sys.exit(77)

requests = []  # (path, range)
half_sent = threading.Event()
endless_bytes = 0
ended = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how to behave."""

    def do_GET(self):
        # (A proxy is asked for the whole URL.)
        _, behaviour, name = urllib.parse.urlsplit(self.path).path.split("/")
        requests.append((self.path, self.headers.get("Range")))
        body = (mnist / name).read_bytes()
        if behaviour in ("redirect", "loop", "to_file"):
            self.send_response(302)
            self.send_header("Location", {"redirect": f"/good/{name}", "loop": f"/loop/{name}",
                                          "to_file": f"file://{mnist}/{name}"}[behaviour])
            self.end_headers()
            return
        if behaviour == "endless":
            self.endless()
            return
        if behaviour == "cut":
            self.cut(body)
            return
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
                half_sent.set()
                ended.wait()
        except OSError:
            pass  # the other side has gone

    def endless(self):
        global endless_bytes
        self.send_response(200)
        self.end_headers()
        try:
            while endless_bytes < 500_000_000:
                endless_bytes += self.wfile.write(bytes(100_000))
        except OSError:
            pass

    def cut(self, body):
        """The rest that is asked for, but 2 MB of it at most."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        begin = int(found[1]) if found else 0
        self.send_response(206 if found else 200)
        if found:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:begin + 2_000_000])

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


server_url = f"http://127.0.0.1:{server.server_address[1]}"
without_proxy = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def command(behaviour, folder, of=server_url):
    url = f"{of}/{behaviour}"
    # Only where no answer comes may the clock decide: on a busy machine the right one can be late, too.
    timeout = "1" if behaviour == "hang" else "600"
    return [tare, "data", "fetch", "mnist", str(folder), "--mirror", url, "--timeout", timeout]


def run(words, **proxies):
    return subprocess.run(words, capture_output=True, text=True, env={**without_proxy, **proxies})


def run_on_terminal(words):
    """The exit code and what is written to standard error, which is a terminal."""
    main, other = pty.openpty()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=other,
                             env={name: value for name, value in without_proxy.items() if name != "NO_COLOR"})
    os.close(other)
    text = b""
    while True:
        try:
            text += os.read(main, 65536)
        except OSError:  # the child has closed it
            break
    os.close(main)
    return child.wait(), text.decode()


def is_whole(folder):
    return sorted(os.listdir(folder)) == sorted(NAMES) and all(digest(folder / n) == digest(mnist / n) for n in NAMES)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


with tempfile.TemporaryDirectory() as scratch:
    scratch = Path(scratch)
    folder = scratch / "good"
    done = run(command("good", folder))
    check("right files are fetched", done.returncode == 0, done.stderr)
    check("and are whole, and nothing else is there", is_whole(folder), os.listdir(folder))
    check("no progress in a pipe", "\r" not in done.stderr and "\x1b" not in done.stderr, done.stderr)
    (folder / NAMES[1]).write_bytes(b"damaged")
    requests.clear()
    done = run(command("good", folder))
    check("again, only what is not right is fetched", done.returncode == 0 and len(requests) == 1, requests)
    check("and it is right now", is_whole(folder), os.listdir(folder))

    folder = scratch / "a 'b' \"c\" \\d\\ $e;\nf" / "g"
    done = run(command("good", folder))
    check("a folder may have any name", done.returncode == 0 and is_whole(folder), done)
    check("and stays on its line", done.stderr.count("\n") == 5 and "?f/g has MNIST" in done.stderr, done.stderr)

    code, text = run_on_terminal(command("good", scratch / "terminal"))
    check("progress on a terminal", code == 0 and "\r" in text and " of 9.9 MB" in text, text)
    code, text = run_on_terminal([*command("good", scratch / "quiet"), "--quiet"])
    check("but none with --quiet", code == 0 and text == "", text)

    requests.clear()
    folder = scratch / "cut"
    done = run(command("cut", folder))
    check("what a server has sent before a cut is kept", done.returncode == 0 and is_whole(folder), done)
    ranges = [range for path, range in requests if path.endswith(NAMES[0])]
    check("and only the rest asked for", ranges == [None, *(f"bytes={n}000000-" for n in (2, 4, 6, 8))], ranges)

    folder = scratch / "redirected"
    done = run(command("redirect", folder))
    check("a redirect is followed", done.returncode == 0 and is_whole(folder), done)

    requests.clear()
    folder = scratch / "by_proxy"
    done = run(command("good", folder, "http://mnist.invalid"), http_proxy=server_url)
    check("a proxy is asked", done.returncode == 0 and is_whole(folder), done)
    check("for the URL", all(path.startswith("http://mnist.invalid/good/") for path, _ in requests), requests)
    dead = "http://127.0.0.1:1"
    done = run(command("good", scratch / "dead_proxy"), http_proxy=dead)
    check("a proxy that is not there is an error", done.returncode == 1 and "127.0.0.1 port 1 " in done.stderr, done)
    done = run(command("good", scratch / "no_proxy"), http_proxy=dead, no_proxy="127.0.0.1")
    check("unless no_proxy names the server", done.returncode == 0, done)

    for behaviour, reason in {
            "wrong": "expected the SHA-256 440fcabf", "short": "expected 9912422 bytes, found 4956211",
            "page": "expected gzip data, found HTML", "forbidden": "403", "hang": "no data for 1 s",
            "endless": "expected 9912422 bytes, found more", "loop": "redirects", "to_file": '"file"'}.items():
        folder = scratch / behaviour
        folder.mkdir()
        old = folder / NAMES[3]
        old.write_bytes(b"an older file")
        done = run(command(behaviour, folder))
        begin = f"tare: {NAMES[0]}: could not be fetched: {server_url}/{behaviour}/{NAMES[0]}: "
        check(f"{behaviour}: one line that names file, URL and reason, and exit 1",
              done.returncode == 1 and done.stderr.count("\n") == 1 and done.stderr.startswith(begin) and
              reason in done.stderr, done)
        check(f"{behaviour}: what was there is as it was", old.read_bytes() == b"an older file")
        check(f"{behaviour}: nothing else is there", os.listdir(folder) == [NAMES[3]], os.listdir(folder))
    check("endless: it was stopped early", endless_bytes < 100_000_000, endless_bytes)

    (scratch / "file").touch()
    requests.clear()
    done = run(command("good", scratch / "file" / "folder"))
    check("a folder that cannot be made is found before anything is asked for",
          done.returncode == 1 and "cannot be written: Not a directory" in done.stderr and not requests, done)

    for behaviour in ("half", "hang"):
        folder = scratch / f"interrupted_{behaviour}"
        requests.clear()
        half_sent.clear()
        process = subprocess.Popen([*command(behaviour, folder)[:-1], "600"], stderr=subprocess.PIPE, text=True,
                                   env=without_proxy, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        if behaviour == "half":
            half_sent.wait(600)
        while not requests and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=600)
        check(f"interrupted: {behaviour}: the exit code says so", process.returncode == 130, process.returncode)
        check(f"interrupted: {behaviour}: so does a line", "is as it was" in text, text)
        check(f"interrupted: {behaviour}: nothing is left", not folder.exists())

ended.set()
sys.exit(1 if failures else 0)
