#!/usr/bin/python3
"""Measures Tare against PyTorch, libtorch and dlib, and against itself, and prints Markdown tables.

    tests/bench/compare.sh [--quick] [--repetitions N] [--data DIR] [--works W1,W3] [SECTION...]

It runs every side in turn, again and again, and takes medians, because a machine's speed drifts. The others run with
whichever of OpenBLAS's kernels is fastest for what is measured. Sections, all by default: peers, threads, neighbour,
start, memory, inference, identical. compare.sh builds first.
"""
import argparse
import contextlib
import functools
import gzip
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARE = ROOT / "build" / "tare"
PEERS = ROOT / "build-peers"
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-torch belongs to
WORKS = {  # epochs in a run, and the same network as options of `tare train`
    "W1": (3, ["--hidden", "256,128", "--batch", "128"]),
    "W2": (3, ["--hidden", "256,128", "--batch", "128", "--norm", "none"]),
    "W3": (4, ["--hidden", "32", "--batch", "16"]),
    "W4": (1, ["--hidden", "1024,1024,1024", "--batch", "256"]),
}


# What OPENBLAS_CORETYPE may ask for; OpenBLAS runs another if it does not know one or the processor cannot run it.
KERNELS = {
    "x86_64": ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"],
    "aarch64": ["ARMV8", "CortexA72", "NeoverseN1", "NeoverseV1", "NeoverseN2"],
}.get(os.uname().machine, [])


def environment(threads, kernel=None):
    # torch.set_num_threads() does not bind OpenBLAS, and OpenBLAS's own variable does not bind OpenMP.
    result = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    # What somebody has set for other work may make the others slow.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        result.pop(name, None)
    return {**result, "OPENBLAS_CORETYPE": kernel} if kernel else result


def run(command, threads=1, kernel=None):
    """The seconds that a command takes, its output and its largest memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], env=environment(threads, kernel), stdout=subprocess.PIPE)
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return time.perf_counter() - start, output, usage.ru_maxrss / 1000


def command(side, work, threads, data, epochs):
    arguments = ["--work", work, "--threads", threads, "--epochs", epochs, "--data", data]
    return {
        "Tare": [TARE, "bench", "--json", "--quiet", *arguments],
        "PyTorch": [PYTHON, ROOT / "tests/bench/peers/pytorch_peer.py", *arguments],
        "libtorch": [PEERS / "libtorch_peer", *arguments],
        "dlib": [PEERS / "dlib_peer", *arguments],
    }[side]


def epoch(side, work, threads, data, kernel=None, epochs=None):
    output = run(command(side, work, threads, data, epochs or WORKS[work][0]), threads, kernel)[1]
    return json.loads(output.replace("nan", "null"))["seconds_per_epoch"]


@functools.cache
def kernels(side, data):
    """The kernels that this machine runs, by the names that OpenBLAS gives them; the first is its own choice."""
    found = {}
    for kernel in [None] + KERNELS:
        said = subprocess.run([str(c) for c in command(side, "W3", 1, data, 1)],
                              env={**environment(1, kernel), "OPENBLAS_VERBOSE": "2"}, capture_output=True, text=True)
        core = re.search(r"^Core: (\w+)", said.stderr, re.MULTILINE)
        if said.returncode == 0 and core:
            found.setdefault(core[1], kernel)
    return found


@functools.cache
def fastest_kernel(side, work, threads, data):
    """Of two epochs each, in turn: the kernel's name and how to ask for it. Tare has none."""
    if side == "Tare":
        return "", None
    found = kernels(side, data)
    if not found:
        return "unknown", None
    times = {name: [] for name in found}
    for _ in range(2):
        for name, kernel in found.items():
            times[name].append(epoch(side, work, threads, data, kernel, epochs=1))
    best = min(found, key=lambda name: min(times[name]))
    return best, found[best]


def interleaved(sides, repetitions):
    """Calls each function in turn, `repetitions` times; their medians."""
    times = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, measure in sides.items():
            times[name].append(measure())
    return {name: statistics.median(values) for name, values in times.items()}


def available_peers():
    sides = []
    if subprocess.run([PYTHON, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0:
        sides.append("PyTorch")
    return sides + [name for name in ("libtorch", "dlib") if (PEERS / f"{name}_peer").exists()]


def table(title, header, rows):
    print(f"\n{title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def measure_peers(a, raw):
    sides = ["Tare"] + available_peers()
    rows = []
    for work in a.works:
        for threads in (1, 2):
            kernel = {s: fastest_kernel(s, work, threads, raw) for s in sides}
            t = interleaved({s: lambda s=s: epoch(s, work, threads, raw, kernel[s][1]) for s in sides}, a.repetitions)
            rows.append([f"{work}, {threads}"] + [f"{t[s]:.3f} {kernel[s][0]}".strip() for s in sides] +
                        [f"{t[s] / t['Tare']:.2f}" for s in sides[1:]])
    table(f"Seconds an epoch, medians of {a.repetitions} runs, with the fastest of OpenBLAS's kernels, and how many times "
          "Tare's the others take",
          ["work, threads"] + sides + [f"{s} / Tare" for s in sides[1:]], rows)


def measure_threads(a, raw):
    rows = []
    for work in a.works:
        t = interleaved({n: lambda n=n: epoch("Tare", work, n, raw) for n in (1, 2)}, 2 * a.repetitions)
        rows.append([work, f"{t[1]:.3f}", f"{t[2]:.3f}", f"{t[2] / t[1]:.2f}"])
    table("Tare on two threads against one (wanted: at most 1.03)", ["work", "1 thread", "2 threads", "ratio"], rows)


@contextlib.contextmanager
def busy_neighbour():
    core = max(os.sched_getaffinity(0))
    process = subprocess.Popen(["taskset", "-c", str(core), "sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure_neighbour(a, raw):
    def beside(side):
        with busy_neighbour():
            return epoch(side, "W1", 2, raw, fastest_kernel(side, "W1", 2, raw)[1])

    rows = []
    for side in ["Tare"] + [s for s in available_peers() if s == "libtorch"]:
        alone = functools.partial(epoch, side, "W1", 2, raw, fastest_kernel(side, "W1", 2, raw)[1])
        t = interleaved({"alone": alone, "beside": lambda: beside(side)}, a.repetitions)
        rows.append([side, f"{t['alone']:.3f}", f"{t['beside']:.3f}", f"{t['beside'] / t['alone']:.2f}"])
    table("W1 on two threads, alone and with another process spinning on one of two cores (wanted: at most 2.5)",
          ["", "alone", "beside it", "ratio"], rows)


def measure_start(a, zipped):
    train = [TARE, "train", "--data", zipped, "--epochs", "1", "--lr", "0.2", "--schedule", "cosine", "--quiet",
             "--json"]
    accuracy = json.loads(run(train)[1])["test_accuracy"]
    sides = {"train": lambda: run(train, 2)[0]}
    if "PyTorch" in available_peers():
        sides["import"] = lambda: run([PYTHON, "-c", "import torch"], 2)[0]
    t = interleaved(sides, a.repetitions)
    table("Whole processes, in seconds", ["process", "seconds"],
          [[f"`tare train --epochs 1 --lr 0.2 --schedule cosine`, which reaches {100 * accuracy:.2f} %", f"{t['train']:.3f}"]] +
          ([['`python3 -c "import torch"`', f"{t['import']:.3f}"]] if "import" in t else []))


def measure_memory(a, raw):
    rows = [[side, f"{run(command(side, 'W1', 1, raw, 2), 1)[2]:.0f}"] for side in ["Tare"] + available_peers()]
    table("Peak memory of W1, in MB (wanted: under 120)", ["", "MB"], rows)


def measure_inference(a, raw):
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model.safetensors"
        run([TARE, "train", "--data", raw, "--epochs", "1", "--quiet", "--save", model])
        rows = []
        for threads in (1, 2):
            def tare():
                output = run([TARE, "eval", model, "--data", raw, "--threads", threads, "--json", "--quiet"])[1]
                return json.loads(output)["seconds"]

            sides, kernel = {"Tare": tare}, {"Tare": ("", None)}
            if "libtorch" in available_peers():
                kernel["libtorch"] = fastest_kernel("libtorch", "eval", threads, raw)
                sides["libtorch"] = functools.partial(epoch, "libtorch", "eval", threads, raw, kernel["libtorch"][1], 10)
            t = interleaved(sides, max(a.repetitions, 5))
            rows.append([str(threads)] + [f"{1000 * t[s]:.1f} {kernel[s][0]}".strip() for s in sides])
    table("10,000 test images through W1, in milliseconds; libtorch warm", ["threads"] + list(sides), rows)


def check_identical(a, raw):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for work in a.works:
            log, model, found = f"{folder}/log.csv", f"{folder}/model", set()
            for threads in (1, 2, 3, 4, 7, 1):
                run([TARE, "train", "--data", raw, *WORKS[work][1], "--steps", 60, "--log-every", 1, "--quiet", "--log",
                     log, "--save", model, "--threads", threads])
                found.add(pathlib.Path(log).read_bytes() + pathlib.Path(model).read_bytes())
            rows.append([work, "identical" if len(found) == 1 else "DIFFERENT"])
    table("Logs and models after 60 steps with 1, 2, 3, 4, 7 and again 1 thread", ["work", "bits"], rows)


def prepare(source, folder):
    """Copies MNIST into `folder`/raw and `folder`/zipped, whatever form it has in `source`."""
    raw, zipped = folder / "raw", folder / "zipped"
    raw.mkdir()
    zipped.mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        file = source / f"{name}-ubyte"
        packed = source / f"{name}-ubyte.gz"
        # Piece by piece: a process begins with the largest memory of the one that starts it, and this one must stay small.
        with open(file, "rb") if file.exists() else gzip.open(packed) as content, open(raw / file.name, "wb") as copy:
            shutil.copyfileobj(content, copy)
        if packed.exists():
            shutil.copy(packed, zipped)
        else:
            with open(raw / file.name, "rb") as content, gzip.open(zipped / packed.name, "wb") as copy:
                shutil.copyfileobj(content, copy)
    return raw, zipped


def main():
    sections = {"peers": measure_peers, "threads": measure_threads, "neighbour": measure_neighbour,
                "start": measure_start, "memory": measure_memory, "inference": measure_inference,
                "identical": check_identical}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("TARE_DATA", ROOT / "data" / "mnist"), type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--works", default="W1,W2,W3,W4")
    parser.add_argument("--quick", action="store_true", help="one repetition, and without W4 unless --works names it")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(sections))
    a = parser.parse_args()
    for section in a.sections:
        if section not in sections:
            parser.error(f"SECTION: expected {', '.join(sections)}, found {section}")
    a.works = a.works.split(",")
    if a.quick:
        a.repetitions = 1
        a.works = [w for w in a.works if w != "W4"] or a.works
    with tempfile.TemporaryDirectory() as folder:
        raw, zipped = prepare(a.data, pathlib.Path(folder))
        for name in a.sections or sections:
            sections[name](a, zipped if name == "start" else raw)


main()
