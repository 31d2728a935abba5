#!/usr/bin/python3
"""Undoes the choices of docs/appendices/speed.md, one at a time, in a copy of the sources, and measures each.

    python3 tests/bench/choices.py --data DIR [--repetitions N] [--copy FOLDER] [CHOICE...]
    python3 tests/bench/choices.py --check          # only whether the sources still say what is to be undone

Each line of the result is the change of W1's and W3's processor time per epoch on one thread, against the sources as
they are: the median over runs that take turns. Processor time, because it suffers less than time on the wall from
whatever else the machine does. Building takes some minutes.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPOCHS = {"W1": 4, "W2": 4, "W3": 13}

# What is undone, and how: file, text, replacement.
CHOICES = {
    "allocate": ("memory is allocated anew in every step",
                 [("core/tape.cpp", "  arena_.clear();", "  arena_ = Arena();")]),
    "prefetch": ("images are not asked for early",
                 [("datasets/batches.cpp", "kAhead = 4", "kAhead = 1 << 20")]),
    "pieces": ("a whole weight is updated line by line",
               [("optim/optimizer.cpp", "kPiece = 1024", "kPiece = 1 << 30")]),
    "floats": ("images are kept as floats, scaled once",
               [("datasets/batches.cpp", "  const auto pixels_of = [&](Index i) { return set.pixels.data() + place(i) * features; };",
                 """  static std::vector<real> scaled;
  if (scaled.empty()) {
    scaled.resize(set.pixels.size());
    scale(set.pixels.data(), static_cast<Index>(set.pixels.size()), pixels, scaled.data());
  }
  const auto pixels_of = [&](Index i) { return scaled.data() + place(i) * features; };"""),
                ("datasets/batches.cpp", "prefetch(pixels_of(i + kAhead), features);",
                 "prefetch(reinterpret_cast<const std::uint8_t*>(pixels_of(i + kAhead)), 4 * features);"),
                ("datasets/batches.cpp", "scale(pixels_of(i), features, pixels, to + i * features);",
                 "std::copy_n(pixels_of(i), features, to + i * features);")]),
    "background": ("empty pixels are multiplied like all others",
                   [("datasets/batches.cpp", "tape.constant(size, features, background)", "tape.constant(size, features)")]),
    "composed": ("batch normalization is composed from primitives",
                 [("apps/train/make_model.cpp", "  return batch_norm;", "  return batch_norm_composed;")]),
    "eigen": ("products are Eigen's, which multiply empty pixels, too",
              [("core/machine/product.cpp", "  // Tiles leave out A's background only.", """  const auto plain = [](const Factor& f) {
    return f.col_stride == 1 ? View(f.data, f.rows, f.cols) : View(f.data, f.cols, f.rows);
  };
  const View av = plain(product.a), bv = plain(product.b);
  const auto with = [&](const auto& lhs, const auto& rhs) {
    MatrixMap to = target.to;
    workers.split(c.rows(), 4, 2.0 * static_cast<double>(c.size() * product.a.cols), [&](Index begin, Index size) {
      if (target.add) to.middleRows(begin, size).noalias() += lhs.middleRows(begin, size) * rhs;
      if (!target.add) to.middleRows(begin, size).noalias() = lhs.middleRows(begin, size) * rhs;
    });
  };
  if (product.a.col_stride == 1 && product.b.col_stride == 1) return with(av, bv);
  if (product.a.col_stride == 1) return with(av, bv.Map::transpose());
  if (product.b.col_stride == 1) return with(av.Map::transpose(), bv);
  if (product.b.col_stride != 1) return with(av.Map::transpose(), bv.Map::transpose());
  // Tiles leave out A's background only."""),
               ("CMakeLists.txt", "PUBLIC -ffp-contract=off)",
                "PUBLIC -ffp-contract=off -DEIGEN_STACK_ALLOCATION_LIMIT=2097152)")]),
    "bias": ("the bias is added after the product (W2 instead of W1)",
             [("layers/linear.cpp", "linear(x, w, x.tape().leaf(*bias))", "add_row(linear(x, w), x.tape().leaf(*bias))"),
              ("layers/linear.cpp", '#include <tare/layers/linear.h>', '#include <tare/layers/linear.h>\n#include <tare/core/ops/ops.h>')]),
    "tune": ("g++ tunes for this processor, without -mtune=generic",
             [("CMakeLists.txt", "PRIVATE -mtune=generic", "PRIVATE -mtune=native")]),
    "O2": ("what trains is compiled with -O2, like the rest",
           [("CMakeLists.txt", "$<CXX_COMPILER_ID:GNU>>:-O3;", "$<CXX_COMPILER_ID:GNU>>:-O2;")]),
    "v3": ("-march=x86-64-v3: vectors of 8 numbers instead of 16",
           [("CMakeLists.txt", "PRIVATE -march=${TARE_MARCH}", "PRIVATE -march=x86-64-v3")]),
    "function": ("a pullback is a std::function",
                 [("core/tape.h", "    void (*pull)(const void* closure, const View& g) = nullptr;\n    const void* closure = nullptr;",
                   "    std::function<void(const View& g)> pull;\n    std::nullptr_t closure = nullptr;"),
                  ("core/tape.h", "#include <array>", "#include <array>\n#include <functional>"),
                  ("core/tape.h", "    node.closure = new (tape_->arena_.bytes(sizeof(Pullback))) Pullback(pullback);\n"
                   "    node.pull = [](const void* closure, const View& g) { (*static_cast<const Pullback*>(closure))(g); };",
                   "    node.pull = pullback;"),
                  ("core/tape.cpp", "node->pull(node->closure, ", "node->pull(")]),
}


def build(copy, binary):
    for command in (["cmake", "--preset", "release", "-DTARE_BUILD_TESTS=OFF"],
                    ["cmake", "--build", "build", "--target", "tare"]):
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + done.stderr)
    shutil.copy(copy / "build" / "tare", binary)


def change(copy, edits):
    for name, text, replacement in edits:
        content = (copy / name).read_text()
        if text not in content:
            sys.exit(f"{name}: expected to find {text!r}")
        (copy / name).write_text(content.replace(text, replacement))


def restore(copy, edits):
    for name in {edit[0] for edit in edits}:
        shutil.copyfile(ROOT / name, copy / name)


def processor_seconds(binary, work, epochs, data):
    process = subprocess.Popen([binary, "bench", "--work", work, "--threads", "1", "--epochs", str(epochs), "--quiet",
                                "--json", "--data", str(data)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{binary}: failed")
    return usage.ru_utime + usage.ru_stime


def per_epoch(binary, work, data):
    many = EPOCHS[work]
    return (processor_seconds(binary, work, many, data) - processor_seconds(binary, work, 1, data)) / (many - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--copy", type=pathlib.Path, default=ROOT / "build-choices", help="[build-choices]")
    parser.add_argument("choices", nargs="*", metavar="CHOICE", help=", ".join(CHOICES))
    a = parser.parse_args()
    names = a.choices or list(CHOICES)
    if a.check:
        for edit in [edit for name in names for edit in CHOICES[name][1]]:
            if edit[1] not in (ROOT / edit[0]).read_text():
                sys.exit(f"{edit[0]}: expected to find {edit[1]!r}")
        print(f"{len(names)} choices can be undone")
        return
    if a.data is None:
        parser.error("--data: expected a folder with MNIST")
    copy, binaries = a.copy / "source", a.copy / "programs"
    binaries.mkdir(parents=True, exist_ok=True)
    for folder in ("apps", "core", "datasets", "layers", "optim"):
        shutil.copytree(ROOT / folder, copy / folder, dirs_exist_ok=True)
    for name in ("CMakeLists.txt", "CMakePresets.json"):
        shutil.copyfile(ROOT / name, copy / name)

    build(copy, binaries / "as-it-is")
    for name in names:
        change(copy, CHOICES[name][1])
        build(copy, binaries / name)
        restore(copy, CHOICES[name][1])

    works = {name: ("W2" if name == "bias" else "W1", "W3") for name in names}
    times = {}
    for _ in range(a.repetitions):
        for work in ("W1", "W2", "W3"):
            for name in ["as-it-is"] + [n for n in names if work in works[n]]:
                if work == "W2" and "bias" not in names:
                    continue
                times.setdefault((name, work), []).append(per_epoch(binaries / name, work, a.data))
    median = {key: statistics.median(values) for key, values in times.items()}
    print("| if | W1 | W3 |\n|---|---|---|")
    print(f"| nothing is changed | {median['as-it-is', 'W1']:.3f} s | {median['as-it-is', 'W3']:.3f} s |")
    for name in names:
        cells = [f"{100 * (median[name, w] / median['as-it-is', w] - 1):+.0f} %" for w in works[name]]
        print(f"| {CHOICES[name][0]} | {cells[0]} | {cells[1]} |")


main()
