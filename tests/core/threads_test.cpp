// Results must not depend, not in a single bit, on the number of threads: every op at sizes that are split, and whole
// training steps. And the workers themselves.
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/layer_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include <tare/datasets/batches.h>
#include <tare/layers/mlp.h>
#include <tare/optim/optimizer.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace tare {
namespace {

constexpr std::array kThreads{2, 3, 4, 7};  // compared with 1

using In = std::span<const Var>;
using Op = std::function<Var(In)>;

// The value of `op` and its gradients by every input, one after the other.
std::vector<Matrix> results(const Op& op, const std::vector<Matrix>& inputs, const Matrix& upstream, int threads) {
  std::vector<Parameter> parameters;
  for (const Matrix& m : inputs) parameters.push_back(parameter(m));
  Workers workers(threads);
  Tape tape(workers);
  std::vector<Var> leaves;
  for (Parameter& p : parameters) leaves.push_back(tape.leaf(p));
  const Var y = op(leaves);
  std::vector<Matrix> all{y.value()};
  const bool scalar = y.rows() == 1 && y.cols() == 1;
  tape.backward(scalar ? y : sum(mul(y, tape.constant(upstream))));
  for (const Parameter& p : parameters) all.push_back(p.grad);
  return all;
}

void check_threads(const char* op_name, const Op& op, const std::vector<Shape>& shapes, Shape result) {
  static std::uint64_t number = 0;
  Random random(5, Random::Stream{4}, number++);
  std::vector<Matrix> inputs;
  std::string text;
  for (Shape s : shapes) {
    inputs.push_back(random_matrix(random, s.rows, s.cols));
    text += fmt::format(" {}", s);
  }
  const Matrix upstream = random_matrix(random, result.rows, result.cols);
  const std::vector<Matrix> alone = results(op, inputs, upstream, 1);
  for (const int threads : kThreads) {
    INFO(op_name << text << " with " << threads << " threads");
    const std::vector<Matrix> split = results(op, inputs, upstream, threads);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      INFO((i == 0 ? "value" : fmt::format("gradient of input {}", i - 1)));
      CHECK(same_bits(alone[i], split[i]));
    }
  }
}

// Sizes of products that are worth splitting, drawn so that row counts are often no multiple of a tile's, widths no
// multiple of a vector register, and results sometimes as narrow as one column.
struct ProductSize {
  Index n, k, m;
};

std::vector<ProductSize> product_sizes() {
  std::vector<ProductSize> sizes{{128, 784, 256}, {256, 1024, 100}, {129, 4096, 10}, {500, 4096, 1},
                                 {1000, 1037, 1}, {30, 64, 301},    {28, 61, 400},   {31, 4096, 33},
                                 {28, 8, 65521},  {29, 1100, 1001}, {1023, 10, 100}, {4099, 10, 17},
                                 {7, 2000, 77},   {3, 1000, 900},   {64, 1, 20000},  {2000, 47, 47}};
  Random random(6, Random::Stream{4});
  auto below = [&](std::uint32_t n) { return static_cast<Index>(random.below(n)); };
  while (sizes.size() < 40) {
    const Index k = 1 + below(random.below(2) == 0 ? 4096 : 200);
    const Index m = random.below(4) == 0 ? 1 + below(12) : 1 + below(300);
    const Index fewest = static_cast<Index>(Workers::kWorthSplitting) / (2 * k * m) + 1;
    const Index n = fewest + below(static_cast<std::uint32_t>(std::max<Index>(fewest, 40)));
    if (n * k <= 1'500'000 && n * m <= 1'500'000) sizes.push_back({n, k, m});
  }
  return sizes;
}

TEST_CASE("products are the same for any number of threads") {
  const Op product = [](In x) { return matmul(x[0], x[1]); };
  const Op affine = [](In x) { return linear(x[0], x[1], x[2]); };
  const Op without_bias = [](In x) { return linear(x[0], x[1]); };
  int i = 0;
  for (const auto& [n, k, m] : product_sizes()) {
    if (++i % 2 == 0 || i <= 16) check_threads("matmul", product, {{n, k}, {k, m}}, {n, m});
    if (i % 2 == 1 || i <= 16) check_threads("linear", affine, {{n, k}, {m, k}, {1, m}}, {n, m});
    if (i % 4 == 0) check_threads("linear without bias", without_bias, {{n, k}, {m, k}}, {n, m});
  }
}

// Shapes of matrices whose elementwise loops are worth splitting.
std::vector<Shape> large_shapes() {
  std::vector<Shape> shapes{{128, 1024}, {1024, 128}, {1023, 131}, {7, 20011},
                            {2, 70000},  {12501, 10}, {130003, 1}, {513, 257}};
  Random random(7, Random::Stream{4});
  while (shapes.size() < 14) {
    const Index cols = 1 + static_cast<Index>(random.below(400));
    const auto more = static_cast<Index>(random.below(50));
    shapes.push_back({static_cast<Index>(Workers::kWorthSplitting) / (8 * cols) + 2 + more, cols});
  }
  return shapes;
}

TEST_CASE("elementwise ops and column sums are the same for any number of threads") {
  using Unary = Var (*)(Var);
  const std::array<std::pair<const char*, Unary>, 7> unary{{{"square", square},
                                                            {"exp", exp},
                                                            {"relu", relu},
                                                            {"sigmoid", sigmoid},
                                                            {"tanh", tanh},
                                                            {"col_mean", col_mean},
                                                            {"transpose", transpose}}};
  std::size_t i = 0;
  for (const Shape s : large_shapes()) {
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto& [name, f] = unary[i++ % unary.size()];
      const Shape result = f == col_mean ? Shape{1, s.cols} : f == transpose ? Shape{s.cols, s.rows} : s;
      check_threads(
          name, [f = f](In x) { return f(x[0]); }, {s}, result);
    }
    check_threads(
        "mul", [](In x) { return mul(x[0], x[1]); }, {s, s}, s);
    check_threads(
        "mul_row", [](In x) { return mul_row(x[0], x[1]); }, {s, {1, s.cols}}, s);
    check_threads(
        "sub_row", [](In x) { return sub_row(x[0], x[1]); }, {s, {1, s.cols}}, s);
    check_threads("mean", [](In x) { return mean(x[0]); }, {s}, {1, 1});
    check_threads(
        "dropout",
        [](In x) {
          Random random(8, Random::Stream{3});
          return dropout(x[0], 0.3, random);
        },
        {s}, s);
  }
}

TEST_CASE("normalizations and the loss are the same for any number of threads") {
  constexpr real eps = real{1e-5f};
  for (const Shape s : large_shapes()) {
    const std::vector<Shape> with_rows{s, {1, s.cols}, {1, s.cols}};
    check_threads(
        "batch_norm", [](In x) { return batch_norm(x[0], x[1], x[2], eps).y; }, with_rows, s);
    check_threads(
        "batch_norm_composed", [](In x) { return batch_norm_composed(x[0], x[1], x[2], eps).y; }, with_rows, s);
    check_threads(
        "layer_norm", [](In x) { return layer_norm(x[0], x[1], x[2], eps); }, with_rows, s);
    std::vector<int> labels;
    for (Index i = 0; i < s.rows; ++i) labels.push_back(static_cast<int>(i * 7 % s.cols));
    check_threads("softmax_cross_entropy", [&](In x) { return softmax_cross_entropy(x[0], labels); }, {s}, {1, 1});
  }
}

TEST_CASE("training steps are the same for any number of threads") {
  Random random(9, Random::Stream{4});
  ImageSet set{.count = 300, .rows = 28, .cols = 28, .pixels = {}, .labels = {}};
  for (std::int64_t i = 0; i < set.count * set.features(); ++i) {
    // Empty margins, as digits have them: products leave those out.
    const bool margin = i % 28 < 5 || i % 28 > 22;
    set.pixels.push_back(static_cast<std::uint8_t>(margin ? 0 : random.below(256)));
  }
  for (std::int64_t i = 0; i < set.count; ++i) set.labels.push_back(static_cast<int>(random.below(10)));

  for (const Norm norm : {Norm::batch, Norm::layer}) {
    auto train = [&](int threads) {
      Sequential model = make_mlp({.in = 784, .hidden = {253, 130}, .out = 10, .norm = norm, .dropout = 0.1}, 1);
      const Parameters parameters = model.parameters();
      Batches batches(set, Pixels::standard, 127, 1, true);
      Sgd sgd(parameters, {.momentum = 0.9, .weight_decay = 1e-4});
      Adam adam(parameters, {});
      Workers workers(threads);
      Tape tape(workers);
      std::vector<Matrix> weights_and_losses;
      for (Index step = 0; step < 3; ++step) {
        tape.clear();
        const Batch batch = batches.at(step, tape);
        const Var loss = softmax_cross_entropy(model.forward(batch.x, Mode::train), batch.labels);
        weights_and_losses.push_back(loss.value());
        tape.backward(loss);
        clip_grad_norm(parameters, 1);
        sgd.step(0.05, tape.workers());
        adam.step(0.001, tape.workers());
        zero_grad(parameters);
      }
      for (const Parameter* p : parameters) weights_and_losses.push_back(p->value);
      return weights_and_losses;
    };
    const std::vector<Matrix> alone = train(1);
    for (const Matrix& m : alone) CHECK(m.allFinite());
    for (const int threads : kThreads) {
      const std::vector<Matrix> split = train(threads);
      for (std::size_t i = 0; i < alone.size(); ++i) {
        INFO(threads << " threads, tensor " << i);
        CHECK(same_bits(alone[i], split[i]));
      }
    }
  }
}

// ---- Workers -------------------------------------------------------------------------------------------------------

struct Piece {
  Index begin, size;
};

// The pieces of a loop, from the first to the last.
std::vector<Piece> pieces_of(Workers& workers, Index count, Index grain, double work) {
  std::mutex mutex;
  std::vector<Piece> pieces;
  workers.split(count, grain, work, [&](Index begin, Index size) {
    const std::lock_guard lock(mutex);
    pieces.push_back({begin, size});
  });
  std::ranges::sort(pieces, {}, &Piece::begin);
  return pieces;
}

TEST_CASE("a split loop covers every index once, in pieces of whole grains but for the tail") {
  for (const int threads : {1, 2, 3, 4, 7}) {
    Workers workers(threads);
    CHECK(workers.threads() == threads);
    for (const Index grain : {1, 4, 16}) {
      for (const Index count : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1001}) {
        INFO(threads << " threads, " << count << " in grains of " << grain);
        const std::vector<Piece> pieces = pieces_of(workers, count, grain, Workers::kWorthSplitting);
        REQUIRE(!pieces.empty());
        CHECK(std::ssize(pieces) == std::clamp<Index>(count / grain, 1, threads));
        Index next = 0, smallest = count, largest = 0;
        for (const Piece& piece : pieces) {
          CHECK(piece.begin == next);
          CHECK(piece.begin % grain == 0);
          next = piece.begin + piece.size;
          if (&piece != &pieces.back()) {
            CHECK(next % grain == 0);
            CHECK(piece.size >= grain);
            largest = std::max(largest, piece.size);
            smallest = std::min(smallest, piece.size);
          }
        }
        CHECK(next == count);
        // Fair shares: the full pieces differ by a grain at most, and the last has at most the tail on top.
        if (pieces.size() > 1) {
          CHECK(largest - smallest <= grain);
          CHECK(pieces.back().size < largest + 2 * grain);
        }
      }
    }
  }
}

TEST_CASE("a loop that is not worth splitting, or empty, runs in one piece on the caller's thread") {
  Workers workers(4);
  const auto caller = std::this_thread::get_id();
  for (const auto& [count, work] : {std::pair<Index, double>{1000, Workers::kWorthSplitting - 1}, {0, 1e9}}) {
    int calls = 0;
    workers.split(count, 1, work, [&, count = count](Index begin, Index size) {
      ++calls;
      CHECK(begin == 0);
      CHECK(size == count);
      CHECK(std::this_thread::get_id() == caller);
    });
    CHECK(calls == 1);
  }
}

TEST_CASE("other threads do take pieces") {
  Workers workers(2);
  const auto caller = std::this_thread::get_id();
  bool other = false;
  for (int attempt = 0; attempt < 100 && !other; ++attempt) {
    std::mutex mutex;
    workers.split(2, 1, 1e9, [&](Index, Index) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const std::lock_guard lock(mutex);
      other |= std::this_thread::get_id() != caller;
    });
  }
  CHECK(other);
}

TEST_CASE("thousands of tiny loops in a row all complete") {
  for (const int threads : {2, 3, 7}) {
    Workers workers(threads);
    std::array<std::int64_t, 16> slots{};  // each index has its own: pieces must not need a lock
    constexpr std::int64_t kLoops = 5000;
    for (std::int64_t loop = 0; loop < kLoops; ++loop) {
      workers.split(16, 1, 1e9, [&](Index begin, Index size) {
        for (Index i = begin; i < begin + size; ++i) slots[static_cast<std::size_t>(i)] += loop;
      });
    }
    for (const std::int64_t slot : slots) CHECK(slot == kLoops * (kLoops - 1) / 2);
  }
}

TEST_CASE("workers end while idle: before any loop, right after one, and from sleep") {
  for (int i = 0; i < 100; ++i) {
    { Workers unused(4); }
    Workers workers(3);
    std::atomic<Index> total = 0;
    workers.split(30, 1, 1e9, [&](Index, Index size) { total += size; });
    CHECK(total == 30);
    if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (i % 40 == 0) {
      workers.split(30, 1, 1e9, [&](Index, Index size) { total += size; });
      CHECK(total == 60);
    }
  }
}

#ifdef __linux__
TEST_CASE("as many threads as there are cores that the process may use") {
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
  CHECK(hardware_threads() == CPU_COUNT(&all));
  std::size_t first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  CHECK(hardware_threads() == 1);
  REQUIRE(sched_setaffinity(0, sizeof(all), &all) == 0);
}
#endif

TEST_CASE("fewer than one thread is an error") {
  CHECK(error_of([] { Workers workers(0); }) == "threads: expected at least 1, found 0");
  CHECK(error_of([] { Workers workers(-3); }) == "threads: expected at least 1, found -3");
}

}  // namespace
}  // namespace tare
