#!/usr/bin/python3
"""Regenerates the fixtures of the parity test, with PyTorch as the reference: `/usr/bin/python3 reference.py`.

Written next to this script:

    data/                        a synthetic IDX set: 12x12 pixels, 10 classes, 647 training and 100 test samples
    init-batch.safetensors       starting weights with BatchNorm
    init-none.safetensors        starting weights without normalization
    cases.csv   case,options     the options of `tare train` that make the same run
    losses.csv  case,precision,step,loss    mean cross-entropy of each step's batch, before its update
    final.csv   case,precision,test_loss,test_accuracy    after the last step, in eval mode

A case is named NORM-ACTIVATION-OPTIMIZER and starts from init-NORM.safetensors. Besides its options in cases.csv, every
run has `--hidden 24,16 --batch 32 --steps 60 --no-shuffle --log-every 1`: batches in file order, the last seven
training samples dropped, three epochs.

The checked-in files come from PyTorch 1.13 (Debian's python3-torch). The data and the weights are the same everywhere;
losses may differ in their last digits on another processor or with another BLAS.
"""

import csv
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import nn

from common import ACTIVATIONS, evaluate, load_split, mlp, read_safetensors, write_idx, write_safetensors

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"

SIDE, CLASSES = 12, 10
BATCH, BATCHES, LEFT_OVER, TEST = 32, 20, 7, 100
HIDDEN = (24, 16)
STEPS = 60

NORMS = ("batch", "none")
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
OPTIMIZERS = {
    "sgd": dict(optimizer="sgd", lr=0.05, momentum=0),
    "momentum": dict(optimizer="sgd", lr=0.05, momentum=0.9),
    "decay": dict(optimizer="sgd", lr=0.05, momentum=0.9, weight_decay=0.01),
    "adam": dict(optimizer="adam", lr=0.001, weight_decay=0.01),
    "adam-plain": dict(optimizer="adam", lr=0.001),
    "adamw": dict(optimizer="adamw", lr=0.001, weight_decay=0.01),
    # Decoupled decay moves the weights by lr * decay only: it takes this much to show beyond float's tolerance.
    "adamw-strong": dict(optimizer="adamw", lr=0.001, weight_decay=0.5),
}


# ---- fixtures; RandomState, because NumPy promises that its stream never changes ----

def prototypes(random):
    """One smooth pattern of bright patches on black per class."""
    field = random.normal(size=(CLASSES, SIDE, SIDE))
    for axis in (1, 2):
        for _ in range(2):
            field = (np.roll(field, 1, axis) + 2 * field + np.roll(field, -1, axis)) / 4
    field /= field.std(axis=(1, 2), keepdims=True)
    return 90 * np.maximum(field, 0)


def make_split(random, patterns, count):
    labels = random.permutation(np.arange(count) % CLASSES)  # every class, almost equally often
    images = patterns[labels] + random.normal(scale=70, size=(count, SIDE, SIDE))
    # A tenth of the labels is wrong: losses stay well above zero, where a relative comparison means something.
    wrong = random.uniform(size=count) < 0.1
    labels = np.where(wrong, random.randint(CLASSES, size=count), labels)
    return np.clip(np.rint(images), 0, 255).astype(np.uint8), labels.astype(np.uint8)


def write_data(random):
    DATA.mkdir(exist_ok=True)
    patterns = prototypes(random)
    for split, count in (("train", BATCHES * BATCH + LEFT_OVER), ("t10k", TEST)):
        images, labels = make_split(random, patterns, count)
        assert len(set(labels)) == CLASSES
        write_idx(DATA / f"{split}-images-idx3-ubyte", images)
        write_idx(DATA / f"{split}-labels-idx1-ubyte", labels)
        if split == "train":
            # A pixel constant over a batch has gradient zero before BatchNorm; rounding makes it a tiny number of
            # either sign, which Adam scales up to a full step. No two programs agree on that.
            batches = images[:BATCHES * BATCH].reshape(BATCHES, BATCH, -1)
            assert (batches.max(axis=1) > batches.min(axis=1)).all()


def write_init(random, norm):
    model = mlp(SIDE * SIDE, HIDDEN, CLASSES, norm)
    state = model.state_dict()
    for name, tensor in state.items():
        shape = tuple(tensor.shape)
        if tensor.dim() == 2:
            values = random.normal(scale=np.sqrt(2 / shape[1]), size=shape)
        elif name.endswith(".weight"):
            values = random.uniform(0.5, 1.5, size=shape)  # gamma and every bias away from 1 and 0, so that each counts
        elif name.endswith(".bias"):
            values = random.normal(scale=0.2, size=shape)
        else:
            continue  # running statistics start at their defaults
        tensor.copy_(torch.from_numpy(values))
    write_safetensors(HERE / f"init-{norm}.safetensors", state)


# ---- the reference runs ----

def make_optimizer(parameters, optimizer, **settings):
    return {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optimizer](
        parameters, **{"weight_decay": 0, **settings})  # PyTorch's own default for AdamW is 0.01


def options(norm, activation, settings):
    flags = {"norm": norm, "activation": activation, **settings}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in flags.items())


def train(norm, activation, settings, dtype):
    """The losses of all steps and the final evaluation."""
    inputs, labels = load_split(DATA, "train", dtype=dtype)
    model = mlp(inputs.shape[1], HIDDEN, CLASSES, norm, activation=activation).to(dtype)
    model.load_state_dict(read_safetensors(HERE / f"init-{norm}.safetensors")[0], strict=True)
    optimizer = make_optimizer(model.parameters(), **settings)
    losses = []
    for step in range(STEPS):
        batch = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses, evaluate(model, *load_split(DATA, "t10k", dtype=dtype))


def write_csv(name, header, rows):
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def worst(runs, steps):
    """The largest relative difference between the two precisions within the first `steps` steps, and its case."""
    return max((abs(single / double - 1), case) for case, run in runs.items()
               for single, double in list(zip(run["float32"], run["float64"]))[:steps])


def main():
    random = np.random.RandomState(1)
    write_data(random)
    for norm in NORMS:
        write_init(random, norm)

    cases, runs, finals = [], {}, []
    for norm, activation, (name, settings) in product(NORMS, ACTIVATIONS, OPTIMIZERS.items()):
        case = f"{norm}-{activation}-{name}"
        cases.append((case, options(norm, activation, settings)))
        runs[case] = {}
        for precision, dtype in PRECISIONS.items():
            runs[case][precision], final = train(norm, activation, settings, dtype)
            finals.append((case, precision, repr(final["test_loss"]), repr(final["test_accuracy"])))

    write_csv("cases.csv", ("case", "options"), cases)
    write_csv("losses.csv", ("case", "precision", "step", "loss"),
              [(case, precision, step, repr(loss)) for case, run in runs.items()
               for precision, losses in run.items() for step, loss in enumerate(losses, start=1)])
    write_csv("final.csv", ("case", "precision", "test_loss", "test_accuracy"), finals)

    # What rounding alone does to PyTorch: Tare's float build cannot be expected to agree more closely than this.
    for steps in (10, STEPS):
        difference, case = worst(runs, steps)
        print(f"float32 against float64, {steps} steps: at worst {difference:.1e} ({case})")
        assert difference < 2e-4, "a run is too sensitive to rounding to be a reference"


if __name__ == "__main__":
    main()
