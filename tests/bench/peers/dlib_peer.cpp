// The networks of `tare bench` in dlib, trained without its trainer, whose second thread costs more than W3's steps.
#include "peer.h"

#include <dlib/dnn.h>

#include <numeric>
#include <random>

namespace {

using namespace dlib;
using Image = matrix<float, 0, 1>;

template <int N, class Below>
using hidden_norm = relu<bn_fc<fc_no_bias<N, Below>>>;
template <int N, class Below>
using hidden_bias = relu<fc<N, Below>>;

using W1 = loss_multiclass_log<fc<10, hidden_norm<128, hidden_norm<256, input<Image>>>>>;
using W2 = loss_multiclass_log<fc<10, hidden_bias<128, hidden_bias<256, input<Image>>>>>;
using W3 = loss_multiclass_log<fc<10, hidden_norm<32, input<Image>>>>;
using W4 = loss_multiclass_log<fc<10, hidden_norm<1024, hidden_norm<1024, hidden_norm<1024, input<Image>>>>>>;

template <class Network>
void train(const Arguments& a) {
  const auto size = static_cast<std::size_t>(work_of(a.work).batch);
  const Images images = read_images(a.data, "train");
  const auto count = static_cast<std::size_t>(images.count());
  Network network;
  std::vector<sgd> solvers(Network::num_computational_layers, sgd(/*weight_decay=*/0, /*momentum=*/0.9f));
  resizable_tensor x;
  const std::vector<Image> blank(size, Image(kPixels, 1));
  network.to_tensor(blank.begin(), blank.end(), x);  // sizes x; from then on it is filled directly
  std::vector<unsigned long> labels(size);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 random(1);
  double total = 0;  // of the losses of an epoch
  std::vector<double> seconds;
  for (int epoch = 0; epoch < a.epochs; ++epoch) {
    seconds.push_back(seconds_of([&] {
      total = 0;
      std::shuffle(order.begin(), order.end(), random);
      for (std::size_t begin = 0; begin + size <= count; begin += size) {
        float* to = x.host_write_only();
        for (std::size_t i = 0; i < size; ++i) {
          const std::uint8_t* from = images.pixels.data() + order[begin + i] * kPixels;
          for (int j = 0; j < kPixels; ++j) *to++ = from[j] * (1 / (255 * 0.3081f)) - 0.1307f / 0.3081f;
          labels[i] = images.labels[order[begin + i]];
        }
        total += network.compute_parameter_gradients(x, labels.begin());
        network.update_parameters(solvers, 0.05);
      }
    }));
  }
  print_json(a, seconds, total / static_cast<double>(count / size));
}

}  // namespace

// dlib has no threads of its own here; its products are BLAS's, which OPENBLAS_NUM_THREADS tells how many to use.
int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  if (a.work == "W1") train<W1>(a);
  if (a.work == "W2") train<W2>(a);
  if (a.work == "W3") train<W3>(a);
  if (a.work == "W4") train<W4>(a);
}
