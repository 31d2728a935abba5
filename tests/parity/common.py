"""What the parity scripts share: IDX files, safetensors files, the nn.Sequential of Tare's MLP, and scoring it.

Not a safetensors library: it knows the three element types Tare and PyTorch exchange (F32, F64, I64), written out by
hand because Debian packages PyTorch but not `safetensors`.
"""

import gzip
import json
import math
import os
import struct
from pathlib import Path

# One thread, set before PyTorch loads: a sum split over threads changes its order, and with it the last digits.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(1)

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
PIXELS = {
    "standard": lambda x: (x / 255 - 0.1307) / 0.3081,
    "unit": lambda x: x / 255,
    "binary": lambda x: (x >= 128).astype(np.float64),
}


# ---- IDX: bytes 0, 0, type (8 = unsigned byte), rank; then one big-endian u32 per dimension; then the values ----

def write_idx(path, array):
    array = np.ascontiguousarray(array, dtype=np.uint8)
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    Path(path).write_bytes(header + array.tobytes())


def read_idx(path, rank):
    data = Path(path).read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    start = 4 + 4 * rank
    if len(data) < start or data[:4] != bytes([0, 0, 8, rank]):
        raise ValueError(f"{path}: not an IDX file of unsigned bytes with {rank} dimensions")
    shape = struct.unpack_from(f">{rank}I", data, 4)
    if len(data) != start + math.prod(shape):
        raise ValueError(f"{path}: {len(data)} bytes do not fit the shape {shape}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def find_idx(folder, stem, rank):
    """The file of that name, raw before .gz, with MNIST's `-idx3-` or the unpackers' `.idx3-`."""
    for suffix in ("", ".gz"):
        for separator in ("-", "."):
            path = Path(folder) / f"{stem}{separator}idx{rank}-ubyte{suffix}"
            if path.exists():
                return path
    raise ValueError(f"{folder}: no {stem}-idx{rank}-ubyte, raw or .gz")


def load_split(folder, split, pixels="standard", dtype=torch.float32):
    """Inputs [N, pixels] and labels [N]; `split` is "train" or "t10k"."""
    images = read_idx(find_idx(folder, f"{split}-images", 3), 3)
    labels = read_idx(find_idx(folder, f"{split}-labels", 1), 1)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} {split} images but {len(labels)} labels")
    # Scaled in double and rounded once, so that both precisions start from the same numbers.
    scaled = PIXELS[pixels](images.reshape(len(images), -1).astype(np.float64))
    return torch.from_numpy(scaled).to(dtype), torch.from_numpy(labels.astype(np.int64))


# ---- safetensors: u64 header length, JSON header, then the values, little-endian and without holes ----

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
SIZES = {"F32": 4, "F64": 8, "I64": 8}
NUMPY_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}


def write_safetensors(path, tensors):
    """Writes a state_dict, without metadata, as a PyTorch user would have saved it."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    # Wide types first, as the reference implementation orders them: every value then lies at a multiple of its size.
    order = sorted(tensors, key=lambda key: (-SIZES[names[tensors[key].dtype]], key))
    header, data = {}, b""
    for key in order:
        tensor, dtype, first = tensors[key], names[tensors[key].dtype], len(data)
        data += tensor.detach().numpy().astype(NUMPY_DTYPES[dtype]).tobytes()
        header[key] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [first, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def _unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key occurs twice in the header")
    return dict(pairs)


def _is_size(value):
    return type(value) is int and value >= 0


def _parse_safetensors(data):
    if len(data) < 8:
        raise ValueError("shorter than its header length")
    start = 8 + struct.unpack_from("<Q", data)[0]
    if start > len(data) or data[8:9] != b"{":
        raise ValueError("the header does not fit the file or does not begin with {")
    header = json.loads(data[8:start].decode("utf-8"), object_pairs_hook=_unique)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ is not a map from strings to strings")

    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"{name}: needs dtype, shape and data_offsets, nothing else")
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{name}: dtype {entry['dtype']} is not one of {', '.join(DTYPES)}")
        numbers = [entry["shape"], entry["data_offsets"]]
        if not all(isinstance(n, list) and all(map(_is_size, n)) for n in numbers) or len(entry["data_offsets"]) != 2:
            raise ValueError(f"{name}: shape and data_offsets must be lists of sizes")

    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if first != end:
            raise ValueError(f"{name}: begins at {first}, but the values before it end at {end}")
        if last - first != math.prod(shape) * SIZES[dtype] or start + last > len(data):
            raise ValueError(f"{name}: bytes {first} to {last} do not hold a {dtype} of shape {shape}")
        values = np.frombuffer(data, NUMPY_DTYPES[dtype], math.prod(shape), start + first)
        tensors[name] = torch.from_numpy(values.reshape(shape).copy())
        end = last
    if start + end != len(data):
        raise ValueError(f"{len(data) - start - end} bytes after the last tensor")
    return tensors, metadata


def read_safetensors(path):
    """Tensors and metadata; refuses duplicate names, holes, overlaps, wrong sizes and trailing bytes."""
    try:
        return _parse_safetensors(Path(path).read_bytes())
    except ValueError as error:  # includes malformed JSON and UTF-8
        raise ValueError(f"{path}: {error}") from None


# ---- the model ----

def mlp(inputs, hidden, outputs, norm="batch", keep_bias=False, activation="relu", dropout=0.0):
    """Linear, normalization, activation, Dropout per hidden layer, then Linear: the network `tare train` builds."""
    modules = []
    for width in hidden:
        # A bias before BatchNorm is subtracted again with the batch mean, so it is left out unless asked for.
        modules.append(nn.Linear(inputs, width, bias=norm != "batch" or keep_bias))
        if norm != "none":
            modules.append({"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](width))
        modules.append(ACTIVATIONS[activation]())
        if dropout:
            modules.append(nn.Dropout(dropout))
        inputs = width
    return nn.Sequential(*modules, nn.Linear(inputs, outputs))


def sequential_from(tensors, activation="relu"):
    """Rebuilds the nn.Sequential that tensors called `INDEX.NAME` belong to, and loads them strictly.

    Modules without tensors leave gaps in the numbering: one missing index is the activation, two are the activation
    and Dropout (which does nothing in evaluation, so its probability does not matter).
    """
    layers = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        if not (index.isascii() and index.isdigit() and str(int(index)) == index and key):
            raise ValueError(f"tensor {name}: expected INDEX.NAME as nn.Sequential numbers its modules")
        layers.setdefault(int(index), {})[key] = tensor

    modules = []
    for index, layer in sorted(layers.items()):
        gap = index - len(modules)
        if gap > 2 or (gap and not modules):
            raise ValueError(f"no tensors for the {gap} modules before {index}")
        modules += [ACTIVATIONS[activation](), nn.Dropout()][:gap]
        if "weight" not in layer or layer["weight"].dim() not in (1, 2):
            raise ValueError(f"module {index}: no weight of one or two dimensions")
        shape = layer["weight"].shape
        if len(shape) == 2:
            modules.append(nn.Linear(shape[1], shape[0], bias="bias" in layer))
        else:
            modules.append(nn.BatchNorm1d(shape[0]) if "running_mean" in layer else nn.LayerNorm(shape[0]))
    if not modules or not isinstance(modules[0], nn.Linear) or not isinstance(modules[-1], nn.Linear):
        raise ValueError("the first and the last module must be a Linear")

    model = nn.Sequential(*modules).to(tensors["0.weight"].dtype)
    # PyTorch alone would silently convert a wrong type, and a num_batches_tracked of shape [1].
    for name, own in model.state_dict().items():
        if name in tensors and (tensors[name].dtype, tensors[name].shape) != (own.dtype, own.shape):
            raise ValueError(f"tensor {name}: {tensors[name].dtype} {list(tensors[name].shape)}, "
                             f"expected {own.dtype} {list(own.shape)}")
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ValueError(error) from None
    return model


def evaluate(model, inputs, labels):
    """Accuracy and mean cross-entropy in eval mode, under the names `tare eval --json` uses."""
    if inputs.shape[1] != model[0].in_features or int(labels.max()) >= model[-1].out_features:
        raise ValueError(f"a model from {model[0].in_features} inputs to {model[-1].out_features} classes does not fit "
                         f"{inputs.shape[1]} pixels and labels up to {int(labels.max())}")
    model.eval()
    with torch.no_grad():
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, labels).item()
    correct = int((logits.argmax(dim=1) == labels).sum())
    return {"test_accuracy": correct / len(labels), "test_loss": loss, "samples": len(labels)}
