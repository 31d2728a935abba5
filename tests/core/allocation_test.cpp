// From its second step on, training allocates nothing on the heap.
#include <tare/core/ops/loss.h>
#include <tare/datasets/batches.h>
#include <tare/layers/mlp.h>
#include <tare/optim/optimizer.h>
#include "tests/core/allocation_counting.h"

#include <doctest/doctest.h>

#include <thread>

namespace tare {
namespace {

using testing::allocations;

ImageSet synthetic_images(std::int64_t count) {
  Random random(1, Random::Stream{4});
  ImageSet set{.count = count, .rows = 28, .cols = 28, .pixels = {}, .labels = {}};
  for (std::int64_t i = 0; i < count * set.features(); ++i) {
    set.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  for (std::int64_t i = 0; i < count; ++i) set.labels.push_back(static_cast<int>(random.below(10)));
  return set;
}

// The allocations of each of the first steps of training.
std::vector<long> count_allocations(const ImageSet& set, const MlpOptions& options, Index batch_size, int threads,
                                    BatchNormOp op = batch_norm) {
  constexpr Index kSteps = 5;
  Sequential model = make_mlp(options, 1, op);
  const Parameters parameters = model.parameters();
  Batches batches(set, Pixels::standard, batch_size, 1, true);
  Sgd sgd(parameters, {.momentum = 0.9, .weight_decay = 1e-4});
  Adam adam(parameters, {.weight_decay = 1e-4});
  Workers workers(threads);
  Tape tape(workers);
  std::vector<long> counts(kSteps);
  for (Index step = 0; step < kSteps; ++step) {
    const long before = allocations;
    const Batch batch = batches.at(step, tape);  // a new epoch, and so a shuffle, in between
    const Var logits = model.forward(batch.x, Mode::train);
    const Var loss = softmax_cross_entropy(logits, batch.labels);
    count_correct(logits.value(), batch.labels);
    tape.backward(loss);
    clip_grad_norm(parameters, 1);
    sgd.step(0.05, tape.workers());
    adam.step(0.001, tape.workers());
    zero_grad(parameters);
    tape.clear();
    counts[static_cast<std::size_t>(step)] = allocations - before;
  }
  return counts;
}

TEST_CASE("the counter counts what it must") {
  auto counts = [](auto allocate) {
    const long before = allocations;
    allocate();
    return allocations - before;
  };
  CHECK(counts([] { ::operator delete(::operator new(10)); }) ==
        1);  // called by name: else the compiler may leave it out
  CHECK(counts([] {
          Matrix m(100, 100);
          m.setZero();
        }) == 1);                                  // Eigen
  CHECK(counts([] { Buffer b(100, 100); }) == 1);  // aligned_alloc
  CHECK(counts([] {
          std::thread([] {
            Matrix m(50, 50);
            m.setZero();
          }).join();
        }) >= 2);
  CHECK(counts([] {}) == 0);
}

TEST_CASE("from the second step on, training allocates nothing") {
  const ImageSet set = synthetic_images(800);
  struct Network {
    std::vector<Index> hidden;
    Index batch;
  };
  for (const Network& network : {Network{{256, 128}, 128}, Network{{1024, 1024}, 256}}) {
    for (const int threads : {1, 2}) {
      for (const Norm norm : {Norm::batch, Norm::layer, Norm::none}) {
        for (const double dropout : {0.0, 0.2}) {
          const MlpOptions options{.in = 784, .hidden = network.hidden, .out = 10, .norm = norm, .dropout = dropout};
          const std::vector<long> counts = count_allocations(set, options, network.batch, threads);
          INFO(network.hidden[0] << " hidden, batch " << network.batch << ", " << threads << " threads, norm "
                                 << static_cast<int>(norm) << ", dropout " << dropout);
          CHECK(counts[0] > 0);
          for (std::size_t step = 1; step < counts.size(); ++step) CHECK(counts[step] == 0);
        }
      }
    }
  }
}

TEST_CASE("the activations and the composed batch normalization allocate nothing either") {
  const ImageSet set = synthetic_images(100);
  for (const Activation activation : {Activation::sigmoid, Activation::tanh}) {
    const MlpOptions options{.in = 784, .hidden = {64}, .out = 10, .bias = BiasRule::keep, .activation = activation};
    const std::vector<long> counts = count_allocations(set, options, 32, 2, batch_norm_composed);
    for (std::size_t step = 1; step < counts.size(); ++step) CHECK(counts[step] == 0);
  }
}

}  // namespace
}  // namespace tare
