// Two trainings at once, each on a thread with a tape, a model and a generator of its own. There is nothing global that
// they could share by mistake: both end with the weights that they would have alone.
#include <tare/tare.h>

#include <cstdio>
#include <thread>

using namespace tare;

Buffer first_weight(const DataSet& data, std::uint64_t seed) {
  Sequential model = make_mlp({.in = data.train.features(), .hidden = {32}, .out = data.classes, .dropout = 0.2}, seed);
  Workers workers(1);
  train(model, training_data(data, Pixels::standard), {.batch = 64, .steps = 100, .seed = seed}, workers);
  return parameters_of(model).front()->value;
}

int main() {
  const DataSet circles = load_data("circles");
  Buffer at_once_1(32, 2), at_once_2(32, 2);
  {
    std::jthread one([&] { at_once_1 = first_weight(circles, 1); });
    std::jthread two([&] { at_once_2 = first_weight(circles, 2); });
  }
  const bool alike = at_once_1 == first_weight(circles, 1) && at_once_2 == first_weight(circles, 2);
  std::printf("two threads and one after the other: %s weights\n", alike ? "the same" : "other");
  return alike ? 0 : 1;
}
