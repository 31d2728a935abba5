#!/usr/bin/python3
"""Remakes the measured tables and figures of the book: see docs/figures.sh.

A table stands in a page between <!-- figure NAME --> and <!-- end -->, and all of it is written here, with a last line
that says what made it: the command, the version of the program and the processor.
"""
import argparse
import csv
import difflib
import hashlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARE = os.environ.get("TARE", str(ROOT / "build" / "tare"))
PICTURES = ROOT / "docs" / "pictures" / "comparing"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Failure(Exception):
    """What is reported in one line."""


def run(*words, **options):
    done = subprocess.run([str(w) for w in words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def train(*options):
    return json.loads(run(TARE, "train", "--quiet", "--json", *options))


def processor():
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    return f"{facts.get('model name', 'unknown')} (family {facts.get('cpu family')}, model {facts.get('model')})"


def filled(text):
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def made_by(command):
    version = run(TARE, "--version").split()[-1]
    return filled(f"*Made by* `{command}`*, version {version}, {processor()}, {os.cpu_count()} threads.*")


def percent(x):
    return f"{100 * x:.2f}"


def table(head, rows, left=1):
    """A Markdown table, the numbers of all but the first columns to the right."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] * left + ["---:"] * (len(head) - left)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


# ---- Single trainings -----------------------------------------------------------------------------------------------


def seeds(_):
    accuracies = [train("--seed", seed)["test_accuracy"] for seed in range(1, 41)]
    good = sum(a >= 0.98 for a in accuracies)
    return (filled(f"Over the seeds 1 to 40, {percent(statistics.mean(accuracies))} % on average after five epochs, "
                   f"with a deviation of {percent(statistics.stdev(accuracies))} %; {good} of the 40 reach 98 %.")
            + "\n\n" + made_by("sh docs/figures.sh seeds"))


def gradient(_):
    rows = []
    for kind, what in (("fused", "the right gradient"), ("diagonal", "the diagonal formula")):
        large = [train("--batchnorm", kind, "--epochs", 2, "--seed", s)["test_accuracy"] for s in (1, 2, 3, 4, 5)]
        small = [train("--batchnorm", kind, "--batch", 4, "--steps", 3000, "--lr", 0.01, "--seed", s)["test_accuracy"]
                 for s in (1, 2, 3, 4, 5)]
        rows.append([f"`--batchnorm {kind}`, {what}"] + [
            f"{percent(statistics.mean(a))} ± {percent(statistics.stdev(a))} %" for a in (large, small)])
    return (table(["test accuracy, seeds 1 to 5", "batch 128, 2 epochs", "batch 4, 3,000 steps, lr 0.01"], rows)
            + "\n\n" + made_by("sh docs/figures.sh gradient"))


def digits(work):
    model = work / "digits.safetensors"
    drawn = train("--data", "digits", "--save", model)["test_accuracy"]
    real = json.loads(run(TARE, "eval", model, "--data", "mnist", "--json"))["test_accuracy"]
    return (filled(f"With the default options, {percent(real)} % of MNIST's 10,000 test images are recognized, and "
                   f"{percent(drawn)} % of the drawn ones.") + "\n\n" + made_by("sh docs/figures.sh digits"))


def init(_):
    run("cmake", "--build", ROOT / "build", "--target", "picture_numbers")
    numbers = run(ROOT / "build" / "pictures" / "picture_numbers", "init").rstrip()
    return numbers + "\n\n" + made_by("sh docs/figures.sh init")


def first_loss(_):
    rows = []
    for weights, options in (("as usual", []), ("`--init-scale normal:0.0001`", ["--init-scale", "normal:0.0001"]),
                             ("`--init-scale normal:1`", ["--init-scale", "normal:1"])):
        words = ["--data", "digits", "--steps", 1, *options]
        rows.append([weights, *(f"{train(*words, '--norm', norm)['train_loss']:,.2f}" for norm in ("batch", "none"))])
    head = ["first weights", "with BatchNorm", "without"]
    return table(head, rows) + "\n\n" + made_by("sh docs/figures.sh first-loss")


def pictures(_):
    run("bash", ROOT / "docs" / "pictures" / "draw.sh")


# ---- Comparisons ----------------------------------------------------------------------------------------------------


class Comparison:
    """One of `tare compare`, run where it is not finished, with the plots that the book shows of it."""

    def __init__(self, name, plots, variant="variant"):
        self.name, self.plots, self.variant = name, plots, variant
        experiment = [] if name == "comparison" else ["--experiment", name]
        self.words = ["compare", *experiment, "--data", "mnist"]
        self.command = f"tare {' '.join(self.words)} --out {name}"

    def summary(self, work):
        # A comparison goes on with runs of the same version, which may be those of other sources.
        program, stamp = hashlib.sha256(pathlib.Path(TARE).read_bytes()).hexdigest(), work / self.name / "made-by"
        if not stamp.exists() or stamp.read_text() != program:
            shutil.rmtree(work / self.name, ignore_errors=True)
            stamp.parent.mkdir(parents=True)
            stamp.write_text(program)
        run(TARE, *self.words, "--out", work / self.name)
        return json.loads((work / self.name / "summary.json").read_text())

    def rows(self, work):
        """Of curves.csv, in which an empty accuracy is that of a run that had diverged."""
        with open(work / self.name / "curves.csv", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if row["test_accuracy"]]

    def copy_plots(self, work):
        for plot, picture in self.plots.items():
            shutil.copyfile(work / self.name / plot, PICTURES / picture)

    def __call__(self, work):
        summary = self.summary(work)
        self.copy_plots(work)
        rates = len({case["lr"] for case in summary["cases"]}) > 1
        head = [self.variant, *(["lr"] if rates else []), "test accuracy", "training", "95 % at", "97 % at", "98 % at"]
        rows = []
        for case in summary["cases"]:
            survived = case["finished"] - case["diverged"]
            row = [case["variant"], *([f"{case['lr']:g}"] if rates else [])]
            if survived == 0:
                row += [f"{case['diverged']} of {case['finished']} diverged", "", "", "", ""]
            else:
                accuracy = case["test_accuracy"]
                deviation = f" ± {percent(accuracy['deviation'])}" if survived > 1 else ""
                row.append(f"{percent(accuracy['mean'])}{deviation} %"
                           + (f", {case['diverged']} of {case['finished']} diverged" if case["diverged"] else ""))
                row.append(f"{percent(case['train_accuracy']['mean'])} %")
                for reached in case["steps_to"].values():
                    some = f" ({reached['count']}/{case['finished']})"
                    of = "" if reached["count"] == case["finished"] else some
                    row.append(f"{reached['median']:,.0f}{of}" if reached["count"] else "-")
            rows.append(row)
        return table(head, rows) + "\n\n" + made_by(self.command)


class Experiment(Comparison):
    """One that predicts something: what came of each claim, and its plots; with `results` the table of runs, too."""

    def __init__(self, name, plots, results=None):
        super().__init__(name, {f"{plot}.svg": f"{name}-{plot}.svg" for plot in plots}, results)

    def __call__(self, work):
        listed = []
        for i, c in enumerate(self.summary(work)["claims"], start=1):
            text = (f"{i}. {c['claim'][0].upper()}{c['claim'][1:]} ({c['source']}): predicted {number(c['predicted'])}, "
                    f"measured {number(c['measured'])}, agreement {interval(c['low'], c['high'])}: "
                    f"**{'holds' if c['agrees'] else 'does not hold'}**.")
            listed.append(textwrap.fill(text, 118, subsequent_indent=" " * len(f"{i}. "),
                                        break_long_words=False, break_on_hyphens=False))
        self.copy_plots(work)
        return "\n".join(listed) + "\n\n" + (super().__call__(work) if self.variant else made_by(self.command))


LADDER = Experiment("ladder", ["accuracy"], "step")


def ninety_nine(work):
    LADDER.summary(work)
    best = [float(row["test_accuracy"]) for row in LADDER.rows(work)
            if row["variant"] == "512 units" and row["epoch"] == "20" and int(row["step"]) == 20 * 468]
    command = "tare train --schedule cosine --epochs 20 --augment shift:2,rotate:10,elastic:1 --hidden 512,512"
    seconds = train(*command.split()[2:])["seconds"]
    return (filled(f"Over the seeds 1 to {len(best)}, {percent(statistics.median(best))} % in the median, from "
                   f"{percent(min(best))} to {percent(max(best))} %; seed 1 took {seconds:.0f} s of training.")
            + "\n\n" + made_by(f"{LADDER.command}` and `{command}"))


def number(x):
    return "none" if x is None else f"{x:.4g}"


def interval(low, high):
    """In words; an end of a million stands for none."""
    if high >= 1e6:
        return f"from {number(low)} on"
    return f"up to {number(high)}" if low <= -1e6 else f"from {number(low)} to {number(high)}"


COMPARISON = Comparison("comparison", {
    "accuracy.svg": "accuracy.svg", "steps-to-97.svg": "steps-to-97.svg",
    "bias-learning-rate-0.1.svg": "bias-learning-rate-0.1.svg",
    **{f"curves-learning-rate-{lr}.svg": f"curves-learning-rate-{lr}.svg" for lr in ("0.01", "0.1", "1")}})
PAPER = Comparison("ioffe-szegedy", {
    "curves-learning-rate-0.1.svg": "paper-curves-0.1.svg", "curves-learning-rate-1.svg": "paper-curves-1.svg",
    "inputs-BatchNorm-0.1--learning-rate-0.1.svg": "paper-inputs-with.svg",
    "inputs-no-BatchNorm-0.1--learning-rate-0.1.svg": "paper-inputs-without.svg"}, "variant, weights")


def bias_difference(work):
    summary = COMPARISON.summary(work)
    rows = [[f"{b['lr']:g}", f"{100 * b['largest_difference']:.2f} points, step {b['at_step']:,}",
             f"{100 * b['deviation_there']:.2f}", f"{b['largest_bias_gradient']:.1e}",
             f"{b['largest_beta_gradient']:.2f}"] for b in summary["bias"]]
    return (table(["learning rate", "mean curves differ by", "deviation over seeds there",
                   "largest gradient of a bias", "of a beta"], rows) + "\n\n" + made_by(COMPARISON.command))


def paper_steps(work):
    PAPER.summary(work)
    steps = (500, 1000, 5000, 10000, 20000, 50000)
    accuracies = {}
    for row in PAPER.rows(work):
        if float(row["lr"]) == 0.1 and int(row["step"]) in steps:
            accuracies.setdefault((row["variant"], int(row["step"])), []).append(float(row["test_accuracy"]))
    variants = list(dict.fromkeys(variant for variant, _ in accuracies))
    rows = [[v, *(f"{percent(statistics.mean(accuracies[v, s]))} %" for s in steps)] for v in variants]
    return (table(["learning rate 0.1, after steps", *(f"{s:,}" for s in steps)], rows) + "\n\n"
            + made_by(PAPER.command))


def paper_inputs(work):
    PAPER.summary(work)
    rows = []
    for variant in ("no BatchNorm", "BatchNorm"):
        curves = []
        for seed in (1, 2, 3):
            file = work / PAPER.name / "runs" / f"{variant.replace(' ', '-')}-0.1_lr0.1_seed{seed}.json"
            curves.append({point[0]: point[6] for point in json.loads(file.read_text())["run"]["curve"]})
        for step in (500, 50000):
            low, middle, high = (statistics.mean(curve[step][i] for curve in curves) for i in range(3))
            rows.append([variant, f"{step:,}", f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", f"{high - low:.2f}"])
    head = ["weights 0.1, learning rate 0.1", "step", "15th", "50th", "85th percentile", "from 15th to 85th"]
    return (table(head, rows)
            + "\n\n" + made_by(PAPER.command))


def bench(command):
    return lambda _: run(*command.split(), cwd=ROOT).strip() + "\n\n" + made_by(command)


def scaling(_):
    run("python3", ROOT / "tests" / "bench" / "scaling.py")


# NAME: (how it is made, what it takes on two cores). What returns nothing writes its pages and pictures itself.
FIGURES = {
    "seeds": (seeds, "2 minutes"),
    "gradient": (gradient, "20 s"),
    "digits": (digits, "5 s"),
    "init": (init, "1 s"),
    "first-loss": (first_loss, "1 s"),
    "pictures": (pictures, "10 s"),
    "comparison": (COMPARISON, "3 minutes"),
    "bias-difference": (bias_difference, "no more"),
    "depth": (Comparison("depth", {"accuracy.svg": "depth.svg"}, "variant, layers"), "1 minute"),
    "init-scale": (Comparison("init-scale", {"accuracy.svg": "init-scale.svg"}, "variant, deviation"), "1 minute"),
    "batch-size": (Comparison("batch-size", {"accuracy.svg": "batch-size.svg"}, "variant, batch"), "1 minute"),
    "layer-norm": (Comparison("layer-norm", {"curves-learning-rate-0.1.svg": "layer-norm.svg"}), "1 minute"),
    "effective-lr": (Experiment("effective-lr", ["losses", "angles"]), "1 minute"),
    "gradient-explosion": (Experiment("gradient-explosion", ["gradients"]), "1 minute"),
    "landscape": (Experiment("landscape", [
        f"{plot}-{network}" for plot in ("loss", "gradient", "beta", "shift") for network in ("mlp", "linear")]),
                  "1 minute"),
    "noise": (Experiment("noise", ["shift", "curves-learning-rate-0.1"], "variant"), "2 minutes"),
    "ghost": (Experiment("ghost", ["accuracy", "pieces"], "variant, samples"), "3 minutes"),
    "norm-only": (Experiment("norm-only", ["accuracy", "gammas"], "variant, width"), "3 minutes"),
    "residual-depth": (Experiment("residual-depth", ["accuracy", "variance", "variance-batchnorm"], "variant, layers"), "2 minutes"),
    "parts": (Experiment("parts", ["rates"], "variant"), "3 minutes"),
    "dropout-shift": (Experiment("dropout-shift", ["variances"], "variant, dropout"), "1 minute"),
    "ladder": (LADDER, "10 minutes"),
    "ninety-nine": (ninety_nine, "1 minute more"),
    "ioffe-szegedy": (PAPER, "10 to 30 minutes"),
    "ioffe-szegedy-steps": (paper_steps, "no more"),
    "ioffe-szegedy-inputs": (paper_inputs, "no more"),
}
ON_REQUEST = {
    "speed": (bench("bash tests/bench/compare.sh"), "an hour, and nothing else on the machine"),
    "choices": (bench("python3 tests/bench/choices.py --repetitions 7"), "half an hour, likewise"),
    "scaling": (scaling, "10 minutes, likewise"),
}


def place_of(name):
    """The page of a figure, and what stands in it before, between and behind its marks."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for mark in re.finditer(rf"<!-- figure {re.escape(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL):
            found.append((page, text[:mark.start(1)], mark.group(1), text[mark.end(1):]))
    if len(found) != 1:
        raise Failure(f"figure {name}: expected its marks in one place, found {len(found)}")
    return found[0]


def check():
    written = [name for name in (*FIGURES, *ON_REQUEST) if name not in ("pictures", "scaling")]
    for name in written:
        place_of(name)
    marked = [m for page in PAGES for m in re.findall(r"<!-- figure (.*?) -->", page.read_text())]
    unknown = sorted(set(marked) - set(written))
    if unknown or not marked:
        raise Failure(f"expected marks of known figures, found {', '.join(unknown) or 'none'}")
    print(f"{len(marked)} figures have their place")


def remake(name, work):
    make, _ = {**FIGURES, **ON_REQUEST}[name]
    text = make(work)
    if text is None:
        print(f"{name}: remade; git diff shows what moved")
        return
    page, before, old, behind = place_of(name)
    if text + "\n" == old:
        print(f"{name}: unchanged")
        return
    page.write_text(before + text + "\n" + behind)
    print(f"{name}: moved, in {page.relative_to(ROOT)}")
    for line in difflib.unified_diff(old.splitlines(), text.splitlines(), n=0, lineterm=""):
        if line[0] in "+-" and line[:3] not in ("+++", "---"):
            print("  " + line)


def main():
    parser = argparse.ArgumentParser(prog="figures.sh", usage="sh docs/figures.sh [--work FOLDER] [NAME...]")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "figures")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.check:
        return check()
    if options.list:
        for name, (_, takes) in {**FIGURES, **ON_REQUEST}.items():
            print(f"{name:22}{takes}{'' if name in FIGURES else '; only when named'}")
        return None
    unknown = [name for name in options.names if name not in FIGURES and name not in ON_REQUEST]
    if unknown:
        raise Failure(f"expected figures of --list, found {', '.join(unknown)}")
    run(TARE, "train", "--data", "mnist", "--steps", 1, "--quiet")  # fails here, and says why, without MNIST
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.names or FIGURES:
        remake(name, options.work.resolve())
    return None


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f"figures.sh: {failure}")
