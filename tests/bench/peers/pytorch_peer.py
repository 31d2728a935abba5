"""The networks of `tare bench` in PyTorch.   pytorch_peer.py --work W1 --threads 1 --epochs 3 --data FOLDER"""
import argparse
import json
import pathlib
import statistics
import time

import torch
from torch import nn

WORKS = {  # hidden widths, BatchNorm, batch
    "W1": ([256, 128], True, 128),
    "W2": ([256, 128], False, 128),
    "W3": ([32], True, 16),
    "W4": ([1024, 1024, 1024], True, 256),
}


def make_network(hidden, batch_norm):
    layers, width = [], 784
    for out in hidden:
        layers.append(nn.Linear(width, out, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(out))
        layers.append(nn.ReLU(inplace=True))
        width = out
    return nn.Sequential(*layers, nn.Linear(width, 10))


def read_idx(file, header):
    return torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8, offset=header)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default="W1")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    hidden, batch_norm, size = WORKS[args.work]
    pixels = read_idx(args.data / "train-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = read_idx(args.data / "train-labels-idx1-ubyte", 8).long()
    network = make_network(hidden, batch_norm)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    seconds = []
    for _ in range(args.epochs):
        start = time.perf_counter()
        total = 0.0  # of the losses of the epoch
        order = torch.randperm(len(labels))
        for i in range(0, len(labels) - size + 1, size):
            batch = order[i : i + size]
            x = pixels[batch].to(torch.float).mul_(1 / (255 * 0.3081)).sub_(0.1307 / 0.3081)
            loss = nn.functional.cross_entropy(network(x), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"work": args.work, "threads": args.threads, "epochs": args.epochs,
                      "seconds_per_epoch": statistics.median(seconds[1:] or seconds), "train_loss": total / (len(labels) // size)}))


main()
