// Times single ops at the shapes of W1 to W4, on one thread and on all cores, beside their roofline: the time that
// this machine would need if it did nothing but an op's floating-point operations, or nothing but moved its bytes,
// whichever is longer. Both limits are measured here, on as many threads; the counter `roof` is their share of the
// time that the op took. Times of whole epochs are what `tare bench` is for.
#include <tare/apps/train/works.h>
#include <tare/core/machine/simd.h>
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include <tare/optim/optimizer.h>

#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <map>
#include <thread>

namespace tare {
namespace {

constexpr Index kPixels = 784, kClasses = 10;

template <class F>
double seconds_of(const F& f) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The fastest of many short runs, in units of work per second: the others were disturbed.
template <class F>
double rate(double work, const F& f) {
  double best = 0;
  for (int i = 0; i < 200; ++i) best = std::max(best, work / seconds_of(f));
  return best;
}

using simd::Packet;
constexpr int kChains = 12;  // independent, enough to hide the latency of each
constexpr Index kRounds = 50'000;

// Multiply-adds in registers. A function of its own: inlined, g++ 12 keeps the chains in memory.
[[gnu::noinline]] void multiply_add() {
  const Packet factor = simd::filled_with(real{0.5}), term = simd::filled_with(real{1});
  Packet chains[kChains];
  for (Packet& chain : chains) chain = term;
  for (Index i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) chains[c] = simd::multiply_add(chains[c], factor, term);
  }
  for (const Packet& chain : chains) {
    real numbers[simd::kLanes];
    simd::store_any(numbers, chain);
    benchmark::DoNotOptimize(numbers);
  }
}

// Operations per second.
double measure_peak(int threads) {
  Workers workers(threads);
  const double operations = 2.0 * kChains * Index{sizeof(Packet) / sizeof(real)} * kRounds * threads;
  return rate(operations, [&] {
    workers.split(threads, 1, Workers::kWorthSplitting, [](Index begin, Index size) {
      for (Index i = begin; i < begin + size; ++i) multiply_add();
    });
  });
}

// Bytes per second of reading a matrix and writing another, together of about this size: small ones stay in a cache.
double measure_bandwidth(double bytes, int threads) {
  const auto n = static_cast<Index>(bytes / (2 * sizeof(real)));
  const int repeats = static_cast<int>(1 + 1e6 / bytes);
  Workers workers(threads);
  Buffer from(1, n), to(1, n);
  return rate(bytes * repeats, [&] {
    for (int i = 0; i < repeats; ++i) {
      workers.split(
          n, Workers::kLine, Workers::kElementwiseWork * static_cast<double>(n),
          [&](Index begin, Index size) { Row(to.data() + begin, size) = Row(from.data() + begin, size) + real{1}; });
      benchmark::ClobberMemory();
    }
  });
}

double peak(int threads) {
  static std::map<int, double> measured;
  const auto [found, is_new] = measured.try_emplace(threads);
  if (is_new) found->second = measure_peak(threads);
  return found->second;
}

double bandwidth(double bytes, int threads) {
  static std::map<std::pair<int, int>, double> measured;  // by size in powers of two
  const int size = std::max(14, static_cast<int>(std::ceil(std::log2(bytes))));
  const auto [found, is_new] = measured.try_emplace({size, threads});
  if (is_new) found->second = measure_bandwidth(std::exp2(size), threads);
  return found->second;
}

// What an op must at least do.
struct Cost {
  double operations, numbers;  // numbers that are read or written
};

// `run` does the op once and returns the seconds it took.
void add(const std::string& name, int threads, Cost cost, const std::function<double(Tape&)>& run) {
  benchmark::RegisterBenchmark(fmt::format("{}/threads:{}", name, threads).c_str(),
                               [=](benchmark::State& state) {
                                 Workers workers(threads);
                                 Tape tape(workers);
                                 run(tape);
                                 double seconds = 0;
                                 for (auto _ : state) {
                                   const double once = run(tape);
                                   state.SetIterationTime(once);
                                   seconds += once;
                                 }
                                 const double bytes = sizeof(real) * cost.numbers;
                                 const double roof =
                                     std::max(cost.operations / peak(threads), bytes / bandwidth(bytes, threads));
                                 const double each = seconds / static_cast<double>(state.iterations());
                                 state.counters["GFLOP/s"] = cost.operations / each / 1e9;
                                 state.counters["GB/s"] = bytes / each / 1e9;
                                 state.counters["roof_%"] = 100 * roof / each;
                               })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void fill(Buffer& buffer) {
  Random random(1, Random::Stream{4});
  for (real& x : buffer.reshaped<Eigen::RowMajor>()) x = static_cast<real>(random.normal());
}

// A parameter with random numbers, for an op to read without copying it.
std::shared_ptr<Parameter> random_parameter(Index rows, Index cols) {
  auto p = std::make_shared<Parameter>("x", rows, cols);
  fill(p->value);
  fill(p->grad);
  return p;
}

// The three products of a Linear, as core/ops/linear.cpp writes them.
void add_products(const std::string& name, int threads, Index n, Index in, Index out, bool first) {
  const auto x = random_parameter(n, in), w = random_parameter(out, in), y = random_parameter(n, out);
  const double operations = 2.0 * static_cast<double>(n) * static_cast<double>(in * out);
  const auto numbers = static_cast<double>(x->value.size() + w->value.size() + y->value.size());
  auto add_product = [&](const char* which, auto product) {
    add(fmt::format("{} {}x{}x{} {}", name, n, in, out, which), threads, {operations, numbers}, [=](Tape& tape) {
      tape.clear();
      return seconds_of([&] { product(tape); });
    });
  };
  add_product("Y=XW'", [=](Tape& tape) { linear(tape.leaf(*x), tape.leaf(*w)); });
  add_product("dW=G'X", [=](Tape& tape) {
    // Added to what is there, as a gradient is.
    write({"dW", w->grad, true}, tape.workers(), View(y->value).transpose() * View(x->value));
  });
  if (first) return;  // images need no gradient
  add_product("dX=GW", [=](Tape& tape) { tape.constant(n, in).set(View(y->value) * View(w->value)); });
}

// An op of one matrix and rows, forward, and backward from the sum of its result, which adds one pass over its
// gradient.
void add_op(const std::string& name, int threads, Cost forward, Cost backward, const std::function<Var(Tape&)>& op) {
  add(name + " forward", threads, forward, [=](Tape& tape) {
    tape.clear();
    return seconds_of([&] { op(tape); });
  });
  add(name + " backward", threads, backward, [=](Tape& tape) {
    tape.clear();
    Var y = op(tape);
    Var loss = y.rows() == 1 && y.cols() == 1 ? y : sum(y);
    return seconds_of([&] { tape.backward(loss); });
  });
}

void add_batch_norm(const std::string& name, int threads, Index n, Index c) {
  const auto x = random_parameter(n, c), gamma = random_parameter(1, c), beta = random_parameter(1, c);
  const auto size = static_cast<double>(n * c);
  for (const auto& [kind, op] : {std::pair("fused", &batch_norm), std::pair("composed", &batch_norm_composed)}) {
    const auto function = op;
    add_op(fmt::format("{} batch_norm {}x{} {}", name, n, c, kind), threads, {7 * size, 3 * size}, {9 * size, 4 * size},
           [=](Tape& tape) { return function(tape.leaf(*x), tape.leaf(*gamma), tape.leaf(*beta), real{1e-5}).y; });
  }
  add_op(fmt::format("{} relu {}x{}", name, n, c), threads, {size, 2 * size}, {size, 4 * size},
         [=](Tape& tape) { return relu(tape.leaf(*x)); });
}

void add_loss(const std::string& name, int threads, Index n) {
  const auto logits = random_parameter(n, kClasses);
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i) % static_cast<int>(kClasses);
  const auto size = static_cast<double>(n * kClasses);
  add_op(fmt::format("{} softmax_cross_entropy {}x{}", name, n, kClasses), threads, {20 * size, 2 * size},
         {2 * size, 3 * size}, [=](Tape& tape) { return softmax_cross_entropy(tape.leaf(*logits), labels); });
}

void add_optimizers(const std::string& name, int threads, const Parameters& like) {
  std::vector<std::shared_ptr<Parameter>> owned;
  Parameters parameters;
  double size = 0;
  for (const Parameter* p : like) {
    owned.push_back(random_parameter(p->value.rows(), p->value.cols()));
    parameters.push_back(owned.back().get());
    size += static_cast<double>(p->value.size());
  }
  const auto sgd = std::make_shared<Sgd>(parameters, Sgd::Options{.momentum = 0.9});
  const auto adam = std::make_shared<Adam>(parameters, Adam::Options{});
  auto add_optimizer = [&](const char* which, Cost cost, auto optimizer) {
    add(fmt::format("{} {}", name, which), threads, cost,
        [=](Tape& tape) { return owned.empty() ? 0 : seconds_of([&] { optimizer->step(1e-6, tape.workers()); }); });
  };
  add_optimizer("sgd", {6 * size, 5 * size}, sgd);  // reads weight, gradient and momentum, writes two of them
  add_optimizer("adam", {14 * size, 7 * size}, adam);
}

void add_work(const std::string& name, Work work, int threads) {
  const TrainOptions o = options_of(work, kPixels, kClasses);
  Index in = kPixels;
  for (std::size_t i = 0; i < o.network.hidden.size(); ++i) {
    const Index out = o.network.hidden[i];
    if (i != 2) {  // W4's third layer is its second once more
      add_products(name, threads, o.batch, in, out, i == 0);
      if (o.network.norm == Norm::batch) add_batch_norm(name, threads, o.batch, out);
    }
    in = out;
  }
  add_products(name, threads, o.batch, in, kClasses, false);
  add_loss(name, threads, o.batch);
  Sequential model = make_mlp(o.network, 1);
  add_optimizers(name, threads, model.parameters());
}

}  // namespace
}  // namespace tare

int main(int argc, char** argv) {
  using namespace tare;
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<int> thread_counts{1};
  if (cores > 1) thread_counts.push_back(cores);
  for (const int threads : thread_counts) {
    add_work("W1", Work::w1, threads);  // and W2
    add_work("W3", Work::w3, threads);
    add_work("W4", Work::w4, threads);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const int threads : thread_counts) {
    fmt::print("Limits, {} thread{}: {:.1f} GFLOP/s; reading and writing", threads, threads == 1 ? "" : "s",
               peak(threads) / 1e9);
    for (const double bytes : {32e3, 500e3, 8e6, 128e6}) {
      fmt::print(" {:.0f} GB/s in {}{}", bandwidth(bytes, threads) / 1e9,
                 bytes < 1e6 ? fmt::format("{:.0f} KB", bytes / 1e3) : fmt::format("{:.0f} MB", bytes / 1e6),
                 bytes < 1e8 ? "," : "\n");
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
