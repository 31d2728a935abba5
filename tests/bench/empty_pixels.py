#!/usr/bin/python3
"""How much of MNIST a product leaves out: how often all pixels of a tile are empty.   empty_pixels.py DIR

A tile is the same pixel of two images in Y = X W', two neighbouring pixels of an image in dW = G'X.
"""
import gzip
import pathlib
import sys

SIZE = 784
pixels = gzip.decompress((pathlib.Path(sys.argv[1]) / "train-images-idx3-ubyte.gz").read_bytes())[16:]
images = [int.from_bytes(pixels[i:i + SIZE], "big") for i in range(0, len(pixels), SIZE)]
ored = [a | b for a, b in zip(*[iter(images)] * 2)]

print(f"pixels                     {pixels.count(0) / len(pixels):.1%}")
print(f"the same in two images     {b''.join(o.to_bytes(SIZE, 'big') for o in ored).count(0) / (len(ored) * SIZE):.1%}")
print(f"two neighbours in one      {memoryview(pixels).cast('H').tolist().count(0) / (len(pixels) / 2):.1%}")
