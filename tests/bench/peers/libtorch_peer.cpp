// The networks of `tare bench` in libtorch. With --work eval: seconds to classify the 10,000 test images with W1 in
// evaluation mode, once warm.
#include "peer.h"

#include <torch/torch.h>

#include <cmath>

namespace {

namespace nn = torch::nn;

nn::Sequential make_network(const Work& work) {
  nn::Sequential network;
  int in = kPixels;
  for (int width : work.hidden) {
    network->push_back(nn::Linear(nn::LinearOptions(in, width).bias(!work.batch_norm)));
    if (work.batch_norm) network->push_back(nn::BatchNorm1d(width));
    network->push_back(nn::ReLU(nn::ReLUOptions(/*inplace=*/true)));
    in = width;
  }
  network->push_back(nn::Linear(in, 10));
  return network;
}

struct Tensors {
  torch::Tensor pixels, labels;
};

// Bytes: gathering and scaling them for each batch is faster than gathering floats, which are four times as many bytes.
Tensors load(const std::string& folder, const std::string& set) {
  Images images = read_images(folder, set);
  return {torch::from_blob(images.pixels.data(), {images.count(), kPixels}, torch::kUInt8).clone(),
          torch::from_blob(images.labels.data(), {images.count()}, torch::kUInt8).to(torch::kLong)};
}

torch::Tensor scaled(const torch::Tensor& bytes) {
  return bytes.to(torch::kFloat).mul_(1 / (255 * 0.3081)).sub_(0.1307 / 0.3081);
}

void train(const Arguments& a) {
  const Work work = work_of(a.work);
  const Tensors data = load(a.data, "train");
  nn::Sequential network = make_network(work);
  torch::optim::SGD optimizer(network->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  std::vector<double> seconds;
  double total = 0;  // of the losses of an epoch
  for (int epoch = 0; epoch < a.epochs; ++epoch) {
    seconds.push_back(seconds_of([&] {
      total = 0;
      const torch::Tensor order = torch::randperm(data.labels.size(0));
      for (std::int64_t i = 0; i + work.batch <= order.size(0); i += work.batch) {
        const torch::Tensor batch = order.narrow(0, i, work.batch);
        const torch::Tensor x = scaled(data.pixels.index_select(0, batch));
        const torch::Tensor loss =
            torch::nn::functional::cross_entropy(network->forward(x), data.labels.index_select(0, batch));
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        total += loss.item<double>();
      }
    }));
  }
  print_json(a, seconds, total / static_cast<double>(data.labels.size(0) / work.batch));
}

void evaluate(const Arguments& a) {
  constexpr int kChunk = 1000;
  const Tensors data = load(a.data, "t10k");
  nn::Sequential network = make_network(work_of("W1"));
  network->eval();
  const torch::InferenceMode inference;
  std::vector<double> seconds;
  std::int64_t correct = 0;
  for (int pass = 0; pass < a.epochs; ++pass) {
    seconds.push_back(seconds_of([&] {
      correct = 0;
      for (std::int64_t i = 0; i < data.labels.size(0); i += kChunk) {
        const torch::Tensor logits = network->forward(scaled(data.pixels.narrow(0, i, kChunk)));
        correct += logits.argmax(1).eq(data.labels.narrow(0, i, kChunk)).sum().item<std::int64_t>();
      }
    }));
  }
  print_json(a, seconds, std::nan(""));
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  torch::set_num_threads(a.threads);
  torch::manual_seed(1);
  if (a.work == "eval") {
    evaluate(a);
  } else {
    train(a);
  }
}
