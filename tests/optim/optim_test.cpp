// The optimizers against steps computed by hand, clipping, and the schedules; in double.
#include <tare/optim/optimizer.h>
#include <tare/optim/schedule.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace tare {
namespace {

// Three numbers, w = 1, -2 and 0.5 at first, in two parameters, so that exchanged states would show; their gradients in
// three steps; and learning rates, of which the last differs, so that it matters where the rate is multiplied in.
constexpr int kSteps = 3;
constexpr double kGradients[kSteps][3] = {{1, 0.5, -3}, {2, -1, 0}, {-1, 0.25, 4}};
constexpr double kRates[kSteps] = {0.1, 0.1, 0.05};
using Values = std::array<std::array<double, 3>, kSteps>;

template <class Optimizer>
void check_steps(typename Optimizer::Options options, const Values& expected) {
  Parameter a("a", 1, 2), b("b", 1, 1);
  a.value << 1, -2;
  b.value << 0.5;
  Optimizer optimizer({&a, &b}, options);
  Workers workers(1);
  for (int step = 0; step < kSteps; ++step) {
    CAPTURE(step);
    a.grad << kGradients[step][0], kGradients[step][1];
    b.grad << kGradients[step][2];
    const Matrix grad_a = a.grad, grad_b = b.grad;
    optimizer.step(kRates[step], workers);
    const auto& w = expected[static_cast<std::size_t>(step)];
    CHECK(a.value(0, 0) == doctest::Approx(w[0]).epsilon(1e-13));
    CHECK(a.value(0, 1) == doctest::Approx(w[1]).epsilon(1e-13));
    CHECK(b.value(0, 0) == doctest::Approx(w[2]).epsilon(1e-13));
    // An optimizer reads gradients only; weight decay that edits them is a classic mistake.
    CHECK(same_bits(a.grad, grad_a));
    CHECK(same_bits(b.grad, grad_b));
  }
}

// ---- Optimizers -----------------------------------------------------------------------------------------------------
// The first number's steps are written out; the others follow the same formulas with their own gradients.

TEST_CASE("SGD") {
  // 1 - 0.1 * 1 = 0.9;   0.9 - 0.1 * 2 = 0.7;   0.7 - 0.05 * -1 = 0.75
  check_steps<Sgd>({}, {{{0.9, -2.05, 0.8}, {0.7, -1.95, 0.8}, {0.75, -1.9625, 0.6}}});
}

// [OPT-1]
TEST_CASE("SGD with momentum") {
  // v = 1;                      w = 1    - 0.1  * 1    = 0.9
  // v = 0.9 * 1 + 2 = 2.9;      w = 0.9  - 0.1  * 2.9  = 0.61
  // v = 0.9 * 2.9 - 1 = 1.61;   w = 0.61 - 0.05 * 1.61 = 0.5295
  check_steps<Sgd>({.momentum = 0.9}, {{{0.9, -2.05, 0.8}, {0.61, -1.995, 1.07}, {0.5295, -1.98275, 0.9915}}});
}

TEST_CASE("SGD with weight decay") {
  // g =  1 + 0.5 * 1      =  1.5;       w = 1      - 0.1  * 1.5      = 0.85
  // g =  2 + 0.5 * 0.85   =  2.425;     w = 0.85   - 0.1  * 2.425    = 0.6075
  // g = -1 + 0.5 * 0.6075 = -0.69625;   w = 0.6075 - 0.05 * -0.69625 = 0.6423125
  check_steps<Sgd>({.weight_decay = 0.5},
                   {{{0.85, -1.95, 0.775}, {0.6075, -1.7525, 0.73625}, {0.6423125, -1.7211875, 0.51784375}}});
}

TEST_CASE("SGD with momentum and weight decay") {
  // g =  1.5                           v = 1.5                               w = 0.85
  // g =  2 + 0.5 * 0.85   =  2.425     v = 0.9 * 1.5 + 2.425    = 3.775      w = 0.85   - 0.1  * 3.775   = 0.4725
  // g = -1 + 0.5 * 0.4725 = -0.76375   v = 0.9 * 3.775 - 0.76375 = 2.63375   w = 0.4725 - 0.05 * 2.63375 = 0.3408125
  check_steps<Sgd>({.momentum = 0.9, .weight_decay = 0.5},
                   {{{0.85, -1.95, 0.775}, {0.4725, -1.7075, 0.98375}, {0.3408125, -1.5681875, 0.85309375}}});
}

// [OPT-2]
TEST_CASE("Adam") {
  // m = 0.1    v = 0.001      mhat = 0.1 / 0.1 = 1         vhat = 0.001 / 0.001 = 1          w = 1 - 0.1 / (1 + 1e-8)
  // m = 0.29   v = 0.004999   mhat = 0.29 / 0.19 = 1.526   vhat = 0.004999 / 0.001999 = 2.5008
  //                                                        w = 0.900000001 - 0.1 * 1.526 / sqrt(2.5008) = 0.80348
  // m = 0.161  v = 0.005994   mhat = 0.161 / 0.271 = 0.594 vhat = 0.005994 / 0.002997 = 2.0000
  //                                                        w = 0.80348 - 0.05 * 0.594 / sqrt(2.0000) = 0.78248
  check_steps<Adam>({}, {{{0.90000000099999999, -2.0999999979999999, 0.59999999966666662},
                          {0.80348179902816563, -2.0633896457594343, 0.66700582476437353},
                          {0.78247733399817587, -2.0565551127102291, 0.65697284057046079}}});
}

TEST_CASE("Adam: eps stands outside the root of the bias-corrected v") {
  // With beta1 = 0.5, beta2 = 0.75, eps = 0.5:
  // m = 0.5     v = 0.25       mhat = 1           vhat = 1            w = 1 - 0.1 / (1 + 0.5) = 0.93333
  // m = 1.25    v = 1.1875     mhat = 1.25/0.75   vhat = 1.1875/0.4375
  //                                               w = 0.93333 - 0.1 * 1.66667 / (1.64751 + 0.5) = 0.85572
  // m = 0.125   v = 1.140625   mhat = 0.125/0.875 vhat = 1.140625/0.578125
  //                                               w = 0.85572 - 0.05 * 0.142857 / (1.40462 + 0.5) = 0.85197
  check_steps<Adam>({.beta1 = 0.5, .beta2 = 0.75, .eps = 0.5},
                    {{{0.93333333333333335, -2.05, 0.58571428571428574},
                      {0.85572403290173149, -2.0122286450444102, 0.62629934347613725},
                      {0.85197376446019135, -2.0091012956155772, 0.59990420790265198}}});
}

TEST_CASE("Adam with weight decay: L2, into the gradient") {
  // g =  1 + 0.5 * 1       =  1.5        m = 0.15       v = 0.00225     w = 1 - 0.1 * 1.5 / (1.5 + 1e-8)
  // g =  2 + 0.5 * 0.9     =  2.45       m = 0.38       v = 0.0082503   w = 0.9 - 0.1 * 2 / sqrt(4.12719) = 0.80155
  // g = -1 + 0.5 * 0.80155 = -0.599224   m = 0.2820776  v = 0.0086011
  //                                      w = 0.80155 - 0.05 * 1.040877 / sqrt(2.86990) = 0.77083
  check_steps<Adam>({.weight_decay = 0.5}, {{{0.90000000066666663, -1.9000000019999999, 0.59999999963636363},
                                             {0.80155292135627498, -1.8112811488233795, 0.65853627507676293},
                                             {0.77083183140972666, -1.7687823845425839, 0.64378667710689219}}});
}

// [OPT-3]
TEST_CASE("AdamW: the decay shrinks the weight before the update and stays out of m and v") {
  // m and v as in Adam without decay.
  // w = 1       * (1 - 0.1  * 0.5) - 0.1  * 1       = 0.85
  // w = 0.85    * (1 - 0.1  * 0.5) - 0.1  * 0.96518 = 0.71098
  // w = 0.71098 * (1 - 0.05 * 0.5) - 0.05 * 0.42009 = 0.67220
  check_steps<Adam>({.weight_decay = 0.5, .decoupled = true},
                    {{{0.85000000099999995, -1.9999999980000001, 0.57499999966666671},
                      {0.7109817989781656, -1.8633896458594343, 0.61325582478104013},
                      {0.67220278897372177, -1.8099703716637432, 0.58789144496760148}}});
}

// The parameters after a few steps; those at the places in `undecayed` are spared the weight decay.
template <class Optimizer>
std::vector<Matrix> after_steps(typename Optimizer::Options options, const std::vector<std::size_t>& undecayed) {
  Random random(4, Random::Stream{4});
  std::vector<Parameter> parameters;
  for (const Index size : {3, 2000, 1, 5}) parameters.push_back(parameter(random_matrix(random, 2, size)));
  Parameters all;
  for (Parameter& p : parameters) all.push_back(&p);
  for (const std::size_t i : undecayed) options.undecayed.push_back(all[i]);
  Optimizer optimizer(all, options);
  Workers workers(2);
  for (const double rate : kRates) {
    for (Parameter& p : parameters) p.grad = random_matrix(random, p.grad.rows(), p.grad.cols());
    optimizer.step(rate, workers);
  }
  std::vector<Matrix> values;
  for (const Parameter& p : parameters) values.emplace_back(p.value);
  return values;
}

template <class Optimizer>
void check_undecayed(const typename Optimizer::Options& options) {
  typename Optimizer::Options without = options;
  without.weight_decay = 0;
  const std::vector<std::size_t> spared{1, 3};
  const auto decayed = after_steps<Optimizer>(options, {}), plain = after_steps<Optimizer>(without, {}),
             some = after_steps<Optimizer>(options, spared);
  for (std::size_t i = 0; i < some.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(same_bits(decayed[i], plain[i]));
    CHECK(same_bits(some[i], i == 1 || i == 3 ? plain[i] : decayed[i]));
  }
  // Without a decay nobody has to be spared.
  CHECK(same_bits(after_steps<Optimizer>(without, spared)[1], plain[1]));
}

TEST_CASE("what is undecayed moves as without weight decay, the others as with it") {
  check_undecayed<Sgd>({.weight_decay = 0.3});
  check_undecayed<Sgd>({.momentum = 0.9, .weight_decay = 0.3});
  check_undecayed<Adam>({.weight_decay = 0.3});
  check_undecayed<Adam>({.weight_decay = 0.3, .decoupled = true});
}

TEST_CASE("every number of a large parameter is updated alike, for any number of threads") {
  for (const int threads : {1, 3}) {
    Parameter p("p", 301, 101);
    p.value.setOnes();
    p.grad.setConstant(2);
    Workers workers(threads);
    Sgd sgd({&p}, {.momentum = 0.9, .weight_decay = 0.5});
    sgd.step(0.1, workers);
    CHECK((p.value.array() == p.value(0, 0)).all());
    CHECK(p.value(0, 0) == doctest::Approx(0.75).epsilon(1e-14));  // g = 2.5
    Adam adam({&p}, {});
    adam.step(0.1, workers);
    CHECK((p.value.array() == p.value(0, 0)).all());
    CHECK(p.value(0, 0) == doctest::Approx(0.65).epsilon(1e-8));
  }
}

// ---- Gradients: zeroing and clipping --------------------------------------------------------------------------------

TEST_CASE("zero_grad zeroes the gradients, not the values") {
  Parameter a("a", 1, 2), b("b", 2, 1);
  for (Parameter* p : {&a, &b}) {
    p->value.setConstant(5);
    p->grad.setConstant(7);
  }
  zero_grad({&a, &b});
  for (const Parameter* p : {&a, &b}) {
    CHECK((p->value.array() == 5).all());
    CHECK((p->grad.array() == 0).all());
  }
}

// [OPT-4]
TEST_CASE("clip_grad_norm scales by max / (norm + 1e-6) if that is below 1, and returns the norm before") {
  Parameter a("a", 1, 2), b("b", 1, 1);
  a.value << 100, 200;
  auto clip = [&](double max_norm) {
    a.grad << 2, -3;
    b.grad << 6;  // 4 + 9 + 36 = 49, taken over all parameters together
    return clip_grad_norm({&a, &b}, max_norm);
  };
  CHECK(clip(8) == 7);
  CHECK(a.grad(0, 0) == 2);
  CHECK(a.grad(0, 1) == -3);
  CHECK(b.grad(0, 0) == 6);
  // At 7 + 2e-6 the factor is above 1, at exactly 7 just below.
  clip(7.000002);
  CHECK(b.grad(0, 0) == 6);
  for (const double max_norm : {7.0, 3.5, 0.001}) {
    CAPTURE(max_norm);
    CHECK(clip(max_norm) == 7);
    const double factor = max_norm / 7.000001;
    CHECK(a.grad(0, 0) == doctest::Approx(2 * factor).epsilon(1e-15));
    CHECK(a.grad(0, 1) == doctest::Approx(-3 * factor).epsilon(1e-15));
    CHECK(b.grad(0, 0) == doctest::Approx(6 * factor).epsilon(1e-15));
    CHECK(b.grad(0, 0) < 6);
  }
  CHECK(a.value(0, 0) == 100);
  CHECK(a.value(0, 1) == 200);

  zero_grad({&a, &b});
  CHECK(clip_grad_norm({&a, &b}, 1) == 0);
  CHECK(a.grad(0, 0) == 0);

  a.grad << 1e200, -1;  // whose norm overflows: nothing that would pass for a step
  CHECK(clip_grad_norm({&a, &b}, 1) == std::numeric_limits<double>::infinity());
  CHECK(a.grad(0, 0) == 1e200);
  CHECK(a.grad(0, 1) == -1);
}

// ---- Schedules ------------------------------------------------------------------------------------------------------

// [OPT-5]
TEST_CASE("step_decay multiplies by gamma after each complete period") {
  const double expected[] = {0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1};
  for (int step = 0; step < 10; ++step) {
    CAPTURE(step);
    CHECK(step_decay(0.8, step, 3, 0.5) == doctest::Approx(expected[step]).epsilon(1e-15));
  }
  CHECK(step_decay(0.8, 1000, 1, 1) == 0.8);
  CHECK(step_decay(0.8, 2, 1, 0.1) == doctest::Approx(0.008).epsilon(1e-14));
}

// [OPT-6]
TEST_CASE("cosine without warm-up: from lr over lr / 2 to 0") {
  CHECK(cosine(0.8, 0, 100) == 0.8);
  CHECK(cosine(0.8, 25, 100) == doctest::Approx(0.68284271247461901).epsilon(1e-14));  // 0.4 (1 + 1 / sqrt(2))
  CHECK(cosine(0.8, 50, 100) == doctest::Approx(0.4).epsilon(1e-14));
  CHECK(cosine(0.8, 75, 100) == doctest::Approx(0.11715728752538099).epsilon(1e-14));  // 0.4 (1 - 1 / sqrt(2))
  // The last step still learns a little; 0 is reached after it.
  CHECK(cosine(0.8, 99, 100) > 0);
  CHECK(cosine(0.8, 99, 100) < 0.8 * 0.001);
  CHECK(std::abs(cosine(0.8, 100, 100)) <= 1e-16);
  for (int step = 1; step <= 100; ++step) CHECK(cosine(0.8, step, 100) < cosine(0.8, step - 1, 100));
}

TEST_CASE("cosine with warm-up: linear up to lr, then the cosine over what is left") {
  CHECK(cosine(0.8, 0, 110, 10) == doctest::Approx(0.08).epsilon(1e-14));
  CHECK(cosine(0.8, 1, 110, 10) == doctest::Approx(0.16).epsilon(1e-14));
  CHECK(cosine(0.8, 8, 110, 10) == doctest::Approx(0.72).epsilon(1e-14));
  CHECK(cosine(0.8, 9, 110, 10) == 0.8);   // the last step of the warm-up
  CHECK(cosine(0.8, 10, 110, 10) == 0.8);  // the first of the cosine
  CHECK(cosine(0.8, 60, 110, 10) == doctest::Approx(0.4).epsilon(1e-14));
  CHECK(std::abs(cosine(0.8, 110, 110, 10)) <= 1e-16);
  // Nothing but warm-up.
  CHECK(cosine(0.8, 3, 4, 4) == 0.8);
  CHECK(cosine(0.8, 0, 1, 1) == 0.8);
}

TEST_CASE("an option out of its range is an Error, naming the field") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  Parameter p("w", 1, 1);
  const Parameters parameters{&p};
  Workers workers(1);
  const std::string fraction = "expected a number in [0, 1), found ",
                    size = "expected a finite number of at least 0, found ";
  const auto of_sgd = [&](Sgd::Options o) { return error_of([&] { Sgd(parameters, o); }); };
  CHECK(of_sgd({.momentum = 1}) == "Sgd: momentum: " + fraction + "1");
  CHECK(of_sgd({.momentum = -0.1}) == "Sgd: momentum: " + fraction + "-0.1");
  CHECK(of_sgd({.momentum = nan}) == "Sgd: momentum: " + fraction + "nan");
  CHECK(of_sgd({.weight_decay = -1}) == "Sgd: weight_decay: " + size + "-1");
  const auto of_adam = [&](Adam::Options o) { return error_of([&] { Adam(parameters, o); }); };
  CHECK(of_adam({.beta1 = 1}) == "Adam: beta1: " + fraction + "1");
  CHECK(of_adam({.beta2 = -1}) == "Adam: beta2: " + fraction + "-1");
  CHECK(of_adam({.beta2 = nan}) == "Adam: beta2: " + fraction + "nan");
  CHECK(of_adam({.eps = 0}) == "Adam: eps: expected a finite number above 0, found 0");
  CHECK(of_adam({.weight_decay = inf}) == "Adam: weight_decay: " + size + "inf");
  CHECK(contains(error_of([] { Sgd({nullptr}, {}); }), "null pointer"));

  Sgd sgd(parameters, {});
  Adam adam(parameters, {});
  for (const double lr : {-1.0, nan, inf}) {
    CHECK(error_of([&] { sgd.step(lr, workers); }).starts_with("Sgd: lr: " + size));
    CHECK(error_of([&] { adam.step(lr, workers); }).starts_with("Adam: lr: " + size));
  }
  CHECK(error_of([&] { clip_grad_norm(parameters, -1); }) ==
        "clip_grad_norm: max_norm: expected a number of at least 0, found -1");
  CHECK(error_of([&] { clip_grad_norm(parameters, nan); }).starts_with("clip_grad_norm: max_norm: "));
  CHECK(error_of([] { step_decay(1, 5, 0, 0.5); }) == "step_decay: period: expected at least 1 step, found 0");
  CHECK(error_of([] { step_decay(1, -1, 2, 0.5); }).starts_with("step_decay: step: "));
  CHECK(error_of([] { cosine(1, 11, 10); }) == "cosine: step: expected a step from 0 to 10, found 11");
  CHECK(error_of([] { cosine(1, 0, 10, -1); }).starts_with("cosine: warmup: "));
  CHECK(cosine(1, 4, 4, 4) == 0);
}

}  // namespace
}  // namespace tare
