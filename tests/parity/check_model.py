#!/usr/bin/python3
"""Loads a model that Tare saved into PyTorch and scores it: `check_model.py MODEL.safetensors DATA_DIR`.

The nn.Sequential is rebuilt from the tensor names alone and loaded with `strict=True`. Prints one line of JSON with the
keys of `tare eval --json`, to be compared with what Tare says; exits 1 if the file is not exactly as it should be.
Activation and pixel scaling come from the file's metadata where it names them, else from the options.
"""

import argparse
import json
import sys

from common import ACTIVATIONS, PIXELS, evaluate, load_split, read_safetensors, sequential_from


def main():
    parser = argparse.ArgumentParser(description="Score a safetensors model with PyTorch on an IDX test set.")
    parser.add_argument("model", metavar="MODEL.safetensors")
    parser.add_argument("data", metavar="DATA_DIR")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    parser.add_argument("--pixels", choices=PIXELS, default="standard")
    args = parser.parse_args()

    tensors, metadata = read_safetensors(args.model)
    activation = metadata.get("activation", args.activation)
    pixels = metadata.get("pixels", args.pixels)
    if activation not in ACTIVATIONS or pixels not in PIXELS:
        raise ValueError(f"{args.model}: unknown activation {activation} or pixels {pixels} in the metadata")
    model = sequential_from(tensors, activation)
    print(json.dumps(evaluate(model, *load_split(args.data, "t10k", pixels, model[0].weight.dtype))))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"check_model: {error}")
