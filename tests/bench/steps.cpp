// Trains a network of `tare bench` for a few steps on noise amid empty margins, as digits have them, for a tool that
// counts what the processor does: the difference between two runs is what the steps in between cost. A program of its
// own, because it is built for a processor that valgrind knows and with as little as possible.
//   steps W1|W3 STEPS, or: steps key
#include <tare/apps/train/works.h>
#include <tare/core/machine/random.h>
#include <tare/optim/training/train.h>

#include <cstdlib>
#include <string_view>

namespace {

// Neither differs between machines.
void print_key() {
#ifdef __clang__
  const char* compiler = "clang++";
  const int version[] = {__clang_major__, __clang_minor__, __clang_patchlevel__};
#else
  const char* compiler = "g++";
  const int version[] = {__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__};
#endif
  fmt::print("{}-{}.{}.{},Eigen-{}.{}.{},{}\n", compiler, version[0], version[1], version[2], EIGEN_WORLD_VERSION,
             EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION, TARE_STEPS_MARCH);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tare;
  if (argc == 2 && std::string_view(argv[1]) == "key") {
    print_key();
    return 0;
  }
  if (argc != 3) return 2;
  TrainOptions options = options_of(std::string_view(argv[1]) == "W3" ? Work::w3 : Work::w1, 784, 10);
  options.steps = std::atol(argv[2]);

  Random random(1, Random::Stream{4});
  DataSet data{.train = {.count = 16 * options.batch, .rows = 28, .cols = 28, .pixels = {}, .labels = {}},
               .test = {},
               .classes = 10};
  for (Index i = 0; i < data.train.count * 784; ++i) {
    const auto inside = [](Index at) { return at >= 4 && at < 24; };
    const bool empty = !inside(i % 784 / 28) || !inside(i % 28);
    data.train.pixels.push_back(empty ? std::uint8_t{0} : static_cast<std::uint8_t>(random.below(256)));
  }
  for (Index i = 0; i < data.train.count; ++i) {
    data.train.labels.push_back(static_cast<int>(random.below(10)));
  }
  Sequential model = make_mlp(options.network, 1);
  Workers workers(options.threads);
  const TrainingResult result = train(model, training_data(data, options.pixels), options, workers);
  fmt::print("{}\n", result.last.loss);
}
