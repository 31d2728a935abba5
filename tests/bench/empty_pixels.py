#!/usr/bin/python3
"""How much of MNIST a product leaves out: how often all pixels of a tile are empty.   empty_pixels.py DIR

A tile is the same pixel of four images in Y = X W', four neighbouring pixels of an image in dW = G'X.
"""
import gzip
import pathlib
import sys

SIZE = 784
pixels = gzip.decompress((pathlib.Path(sys.argv[1]) / "train-images-idx3-ubyte.gz").read_bytes())[16:]
images = [int.from_bytes(pixels[i:i + SIZE], "big") for i in range(0, len(pixels), SIZE)]
ored = [a | b | c | d for a, b, c, d in zip(*[iter(images)] * 4)]

print(f"pixels                     {pixels.count(0) / len(pixels):.1%}")
print(f"the same in four images    {b''.join(o.to_bytes(SIZE, 'big') for o in ored).count(0) / (len(ored) * SIZE):.1%}")
print(f"four neighbours in one     {memoryview(pixels).cast('I').tolist().count(0) / (len(pixels) / 4):.1%}")
