#!/usr/bin/python3
"""Makes a PyTorch model for `tare eval` to score: `make_model.py OUT.safetensors --data DIR [--steps N]`.

Builds the nn.Sequential the options name, trains it for N steps on shuffled batches (0: initial weights), writes it as
safetensors without metadata, as a PyTorch user would, and prints the same line of JSON as check_model.py.
"""

import argparse
import json
import sys

import torch
from torch import nn

from common import ACTIVATIONS, PIXELS, evaluate, load_split, mlp, write_safetensors


def widths(text):
    return [int(width) for width in text.split(",")]


def train(model, inputs, labels, steps, batch):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(steps):
        chosen = torch.randperm(len(labels))[:batch]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen]).backward()
        optimizer.step()


def main():
    parser = argparse.ArgumentParser(description="Train a small PyTorch model and save it as safetensors.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("out", metavar="OUT.safetensors")
    parser.add_argument("--data", metavar="DIR", required=True)
    parser.add_argument("--norm", choices=("batch", "none", "layer"), default="batch")
    parser.add_argument("--bias", choices=("auto", "keep"), default="auto")
    parser.add_argument("--hidden", type=widths, default="24,16")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--pixels", choices=PIXELS, default="standard")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    inputs, labels = load_split(args.data, "train", args.pixels)
    model = mlp(inputs.shape[1], args.hidden, int(labels.max()) + 1, args.norm, args.bias == "keep", args.activation,
                args.dropout)
    train(model, inputs, labels, args.steps, args.batch)
    write_safetensors(args.out, model.state_dict())
    print(json.dumps(evaluate(model, *load_split(args.data, "t10k", args.pixels))))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"make_model: {error}")
