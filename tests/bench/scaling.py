#!/usr/bin/python3
"""Measures how the cost of training grows, and draws it: scaling.svg in docs/pictures/speed and, for the numbers,
scaling.csv.

    python3 tests/bench/scaling.py [--data DIR] [--repetitions N] [--out FOLDER]

The network is 784 - 256 - 128 - 10 with BatchNorm and batches of 128 on one thread, but for what a panel varies. A
point is the median of N short trainings by build/tare, taken in turn over the points of its panel; memory is the
process's peak. Needs gnuplot.
"""
import argparse
import csv
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARE = ROOT / "build" / "tare"


def train(data, steps, *options):
    """The seconds that a step takes, and the process's peak memory in MB."""
    process = subprocess.Popen([TARE, "train", "--quiet", "--json", "--lr", "0.01", "--data", data, "--steps", str(steps),
                                *options], stdout=subprocess.PIPE)
    result = json.load(process.stdout)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return result["seconds"] / steps, usage.ru_maxrss / 1000


def first_images(data, count, folder):
    """A folder with the first `count` training images and 1,000 test images."""
    for name, size, images in (("train", 784, count), ("t10k", 784, 1000)):
        for kind, item in ((f"{name}-images-idx3-ubyte", size), (f"{name}-labels-idx1-ubyte", 1)):
            source = data / kind
            header = 16 if item > 1 else 8
            with open(source, "rb") if source.exists() else gzip.open(f"{source}.gz") as whole, \
                    open(folder / kind, "wb") as part:
                start = whole.read(header)
                part.write(start[:4] + images.to_bytes(4, "big") + start[8:])
                # Piece by piece: a process begins with the peak memory of the one that starts it.
                for _ in range(images // 250):
                    part.write(whole.read(250 * item))
    return folder


def panels(data, folder):
    """Of each panel: its title, what x is, what y is, and for each x how to measure."""
    def epoch(samples):
        part = folder / str(samples)
        part.mkdir()
        first_images(data, samples, part)
        steps = samples // 128
        return lambda: train(part, steps, "--threads", "1")[0] * steps

    mnist = first_images(data, 60000, folder)

    def step(steps, *options):
        return lambda: train(mnist, steps, "--threads", "1", *options)[0] * 1000

    def memory(*options):
        return lambda: train(mnist, 20, "--threads", "1", *options)[1]

    widths, batches = [16, 32, 64, 128, 256, 512, 1024, 2048], [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
    return {
        "samples": ("samples", "seconds an epoch", {n: epoch(n) for n in (3750, 7500, 15000, 30000, 60000)}),
        "width": ("width of two hidden layers", "milliseconds a step",
                  {w: step(max(10, 40000 // w), "--hidden", f"{w},{w}") for w in widths}),
        "depth": ("hidden layers of 256", "milliseconds a step",
                  {d: step(200, "--hidden", ",".join(["256"] * d)) for d in (1, 2, 4, 8, 16, 32)}),
        "batch": ("samples in a batch", "microseconds a sample",
                  {b: (lambda b=b: step(max(20, 20000 // b), "--batch", str(b))() * 1000 / b) for b in batches}),
        "threads": ("threads", "milliseconds a step",
                    {n: (lambda n=n: train(mnist, 300, "--threads", str(n))[0] * 1000) for n in (1, 2, 3, 4)}),
        "memory": ("samples in a batch", "peak memory in MB", {b: memory("--batch", str(b)) for b in batches[2:]}),
    }


def measure(points, repetitions):
    found = {x: [] for x in points}
    for _ in range(repetitions):
        for x, value in points.items():
            found[x].append(value())
    return {x: statistics.median(values) for x, values in found.items()}


def draw(results, svg):
    """Every panel with a grey line of what proportion would give. Axes are logarithmic where that line needs it."""
    script = ["set terminal svg size 960,600 dynamic font 'sans-serif,14' background rgb 'white'", f"set output '{svg}'",
              "set multiplot layout 2,3 margins 0.085,0.985,0.115,0.985 spacing 0.1,0.155", "unset key",
              "set grid lc rgb '#cccccc' dt 1", "set logscale xy", "set style line 1 lc rgb '#0072B2' lw 2 pt 7 ps 0.6"]
    for k, (name, (x_label, y_label, points)) in enumerate(results.items()):
        places = list(points)
        # Through the last point: what a sample costs whatever the batch; what fixed memory and some for a sample make.
        x, y, first = places[-1], points[places[-1]], points[places[0]]
        line = {"batch": f"{y}", "threads": f"{first} / x",
                "memory": f"{first} + {(y - first) / x} * x"}.get(name, f"{y} * x / {x}")
        tics = ",".join(f"'{a:,}' {a}" for a in (places[::-2] if len(places) > 4 else places))
        script += [f"$d{k} << EOD"] + [f"{a} {b}" for a, b in points.items()] + ["EOD"]
        script += [f"set xlabel '{x_label}'", f"set ylabel '{y_label}'", f"set xtics ({tics})",
                   f"unset logscale y\nset yrange [0:{max(points.values()) * 1.3}]" if name in ("threads", "memory") else
                   f"set yrange [{min(points.values()) * 0.6}:{max(points.values()) * 1.6}]\nset logscale y",
                   f"plot [{places[0] * 0.8}:{x * 1.25}] {line} lc rgb '#999999' dt 2, $d{k} with linespoints ls 1"]
    subprocess.run(["gnuplot", "--default-settings"], input="\n".join(script), text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("TARE_DATA", ROOT / "data" / "mnist"), type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", default=ROOT / "docs" / "pictures" / "speed", type=pathlib.Path)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {name: (x, y, measure(points, a.repetitions))
                   for name, (x, y, points) in panels(a.data, pathlib.Path(folder)).items()}
    a.out.mkdir(parents=True, exist_ok=True)
    with open(a.out / "scaling.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["panel", "x", "y"])
        for name, (_, _, points) in results.items():
            rows.writerows([name, x, f"{y:.4g}"] for x, y in points.items())
    draw(results, a.out / "scaling.svg")


main()
