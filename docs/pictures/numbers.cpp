// The numbers behind the book's pictures:   picture_numbers NAME. Each is columns for gnuplot, but for seven, which
// writes seven.png; draw.sh draws them.
#include <tare/tare.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

using namespace tare;

namespace {

// The error of a central difference against its step, for e^x at 1: step, error in float, error in double.
template <class T>
double central_error(double step) {
  const T x = 1, h = static_cast<T>(step), above = x + h, below = x - h;
  const T slope = (std::exp(above) - std::exp(below)) / (above - below);
  return std::abs(static_cast<double>(slope) - std::exp(1.0)) / std::exp(1.0);
}

void step_size() {
  for (double exponent = -14; exponent <= 0; exponent += 0.125) {
    const double h = std::pow(10, exponent);
    // Below the distance of two neighbouring numbers x + h is x.
    const bool in_float = 1 + static_cast<float>(h) > 1 + 2e-7F;
    fmt::print("{} {} {}\n", h, in_float ? central_error<float>(h) : NAN, central_error<double>(h));
  }
}

constexpr Index kWidth = 256, kSamples = 512;
constexpr int kDepth = 10;

// The inputs of the activation in every layer, with weights of `factor` times He's deviation.
template <class OfLayer>
void run_layers(double factor, const OfLayer& of_layer) {
  Random random(1);
  Matrix x(kSamples, kWidth);
  for (double& value : x.reshaped()) value = random.normal();
  Tape tape(Tape::Gradients::none);
  Var a = tape.constant(x);
  for (int layer = 1; layer <= kDepth; ++layer) {
    Parameter w("weight", kWidth, kWidth);
    init_normal(w, factor * std::sqrt(2.0 / static_cast<double>(kWidth)), random);
    Var z = linear(a, tape.constant(w.value));
    of_layer(layer, z.value());
    a = relu(z);
  }
}

double root_mean_square(const View& z) { return std::sqrt(z.squaredNorm() / static_cast<double>(z.size())); }

// Blocks, one for each factor and each of four layers: value, share of the layer's inputs in its bin.
void histograms() {
  constexpr double kLimit = 5, kBin = 0.25;
  for (double factor : {0.5, 1.0, 2.0}) {
    run_layers(factor, [&](int layer, const View& z) {
      if (layer % 3 != 1) return;
      std::map<int, double> bins;
      for (Index i = 0; i < z.size(); ++i) {
        bins[static_cast<int>(std::floor(z.data()[i] / kBin))] += 1 / static_cast<double>(z.size());
      }
      for (double left = -kLimit; left < kLimit; left += kBin) {
        fmt::print("{} {:.5f}\n", left + kBin / 2, bins[static_cast<int>(std::lround(left / kBin))]);
      }
      fmt::print("\n\n");
    });
  }
}

// A Markdown table: the root mean square of the inputs of the activation, layer by layer.
void init_table() {
  fmt::print("| weights | layer 1 | layer 4 | layer 7 | layer 10 |\n|---|---:|---:|---:|---:|\n");
  for (const auto& [name, factor] : {std::pair("half of He's", 0.5), {"He's", 1.0}, {"twice He's", 2.0}}) {
    fmt::print("| {} |", name);
    run_layers(factor, [&](int layer, const View& z) {
      if (layer % 3 == 1) fmt::print(" {:.3g} |", root_mean_square(z));
    });
    fmt::print("\n");
  }
}

// Paths in the valley (x^2 + 25 y^2) / 2, a block for each optimizer: x, y.
void optimizers() {
  const auto path = [](const std::function<std::unique_ptr<Optimizer>(const Parameters&)>& make, double lr, int steps) {
    Parameter w("w", 1, 2);
    w.value << -9, 1.6;
    const std::unique_ptr<Optimizer> optimizer = make({&w});
    Workers workers(1);
    for (int step = 0; step <= steps; ++step) {
      fmt::print("{:.4f} {:.4f}\n", w.value(0, 0), w.value(0, 1));
      w.grad << w.value(0, 0), 25 * w.value(0, 1);
      optimizer->step(lr, workers);
    }
    fmt::print("\n\n");
  };
  path([](const Parameters& p) { return std::make_unique<Sgd>(p, Sgd::Options{}); }, 1.8 / 25, 40);
  path([](const Parameters& p) { return std::make_unique<Sgd>(p, Sgd::Options{.momentum = 0.8}); }, 0.02, 40);
  path([](const Parameters& p) { return std::make_unique<Adam>(p, Adam::Options{}); }, 0.6, 40);
}

// step, constant, step decay, cosine with warm-up
void schedules() {
  for (std::int64_t step = 0; step <= 1000; step += 5) {
    fmt::print("{} 0.1 {} {}\n", step, step_decay(0.1, step, 300, 0.5), cosine(0.1, step, 1000, 100));
  }
}

// A column of 12 numbers: place, x, x - mean, xhat, 0.5 xhat + 2
void one_column() {
  Random random(3);
  Parameter x("x", 12, 1), gamma("gamma", 1, 1), beta("beta", 1, 1);
  for (double& value : x.value.reshaped()) value = 6 + 1.8 * random.normal();
  gamma.value(0, 0) = 0.5;
  beta.value(0, 0) = 2;
  Tape tape;
  const BatchNormResult result = batch_norm(tape.leaf(x), tape.leaf(gamma), tape.leaf(beta), 1e-5);
  for (Index i = 0; i < 12; ++i) {
    fmt::print("{} {:.4f} {:.4f} {:.4f} {:.4f}\n", i + 1, x.value(i, 0), x.value(i, 0) - result.mean(0, 0),
               result.xhat(i, 0), result.y.value()(i, 0));
  }
}

// The third 7 among the test images of the built-in digits, as a scanner would see it: large, dark on light.
void seven() {
  const DataSet digits = make_built_in("digits");
  std::size_t image = 0;
  for (int sevens = 0; sevens < 3; ++image) sevens += digits.test.labels[image] == 7;
  --image;
  constexpr Index kScale = 5, kMargin = 10, kSide = 28 * kScale + 2 * kMargin;
  GrayImage picture(kSide, kSide, 235);
  for (Index y = 0; y < 28 * kScale; ++y) {
    for (Index x = 0; x < 28 * kScale; ++x) {
      const auto pixel = static_cast<std::size_t>(y / kScale * 28 + x / kScale);
      const std::uint8_t ink = digits.test.pixels[image * 28 * 28 + pixel];
      picture(y + kMargin, x + kMargin) = static_cast<std::uint8_t>(235 - ink * 200 / 255);
    }
  }
  write_png("seven.png", picture);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::map<std::string, void (*)()> pictures{
      {"step-size", step_size}, {"histograms", histograms}, {"init", init_table}, {"optimizers", optimizers},
      {"schedules", schedules}, {"one-column", one_column}, {"seven", seven}};
  const auto found = argc == 2 ? pictures.find(argv[1]) : pictures.end();
  if (found == pictures.end()) {
    std::fputs("usage: picture_numbers step-size|histograms|init|optimizers|schedules|one-column|seven\n", stderr);
    return 2;
  }
  found->second();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "picture_numbers: %s\n", error.what());
  return 1;
}
