// Models on disk: safetensors files, well-formed and not, and what a model makes of their tensors. In float.
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/layers/files/model_file.h>
#include <tare/layers/files/safetensors.h>
#include <tare/layers/fold.h>
#include <tare/layers/linear.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

namespace tare {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using nlohmann::json;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

template <class Number>
TensorData tensor(Dtype dtype, std::vector<std::int64_t> shape, const std::vector<Number>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {dtype, std::move(shape), {bytes.begin(), bytes.end()}};
}

TensorData floats(std::vector<std::int64_t> shape, const std::vector<float>& numbers) {
  return tensor(Dtype::F32, std::move(shape), numbers);
}

bool operator==(const TensorData& a, const TensorData& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes;
}

bool same(const Safetensors& a, const Safetensors& b) {
  return a.metadata == b.metadata && std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
           return x.first == y.first && x.second == y.second;
         });
}

// Numbers in every tensor that no constructor sets, so that one that is not loaded shows.
void randomize(Sequential& model, std::uint64_t number) {
  Random random(9, Random::Stream{4}, number);
  for (const StateTensor& tensor : model.state()) {
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      **count = 1 + random.below(1000);
      continue;
    }
    MatrixMap m = std::get<MatrixMap>(tensor.data);
    m = random_matrix(random, m.rows(), m.cols());
    if (tensor.name.ends_with("running_var")) m = m.cwiseAbs().array() + real{0.5};
  }
}

Matrix evaluate(Sequential& model) {
  Random random(9, Random::Stream{4}, 99);
  Tape tape(Tape::Gradients::none);
  return model.forward(tape.constant(random_matrix(random, 5, 4)), Mode::eval).value();
}

const MlpOptions kSmall{.in = 4, .hidden = {3, 5}, .out = 2};

Sequential small_model(std::uint64_t number = 0) {
  Sequential model = make_mlp(kSmall, 1);
  randomize(model, number);
  return model;
}

#define CHECK_CONTAINS(text, part)  \
  do {                              \
    const std::string text_ = text; \
    CAPTURE(text_);                 \
    CHECK(contains(text_, part));   \
  } while (false)

// ---- Writing and reading --------------------------------------------------------------------------------------------

TEST_CASE("what is written is read, bit by bit") {
  const TemporaryFolder folder;
  const float nan = std::bit_cast<float>(0x7fc12345u), tiny = 1e-45f;
  Safetensors contents;
  contents.tensors["b"] = floats({2, 3}, {1, -0.0f, nan, tiny, 1.0f / 3, -1e38f});
  contents.tensors["a"] = tensor<std::int64_t>(Dtype::I64, {}, {-7});
  contents.tensors["c \"\\\n\u00e9"] = tensor<double>(Dtype::F64, {1, 2}, {1.0 / 3, 5e-324});
  contents.tensors["empty"] = floats({0, 3}, {});
  contents.metadata = {{"activation", "relu"}, {"quote \" and \u00e9", "line\nbreak"}};
  write_safetensors(folder / "file", contents);
  CHECK(same(read_safetensors(folder / "file"), contents));
  CHECK(folder.entries() == 1);

  write_safetensors(folder / "empty", {});
  CHECK(same(read_safetensors(folder / "empty"), {}));
}

TEST_CASE("a saved network, loaded into a fresh one or built anew, is the same network") {
  const TemporaryFolder folder;
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
      for (const double dropout : {0.0, 0.5}) {
        for (const Activation activation : {Activation::relu, Activation::tanh}) {
          MlpOptions options = kSmall;
          options.norm = norm;
          options.bias = bias;
          options.dropout = dropout;
          options.activation = activation;
          Sequential model = make_mlp(options, 1);
          randomize(model, 0);
          INFO(model.describe());
          const Safetensors saved = state_tensors(model);
          write_safetensors(folder / "model", saved);
          const Safetensors read = read_safetensors(folder / "model");
          CHECK(same(read, saved));

          Sequential loaded = make_mlp(options, 2);
          CHECK_FALSE(same(state_tensors(loaded), saved));
          load_state(loaded, read, "model");
          CHECK(same(state_tensors(loaded), saved));
          CHECK(same_bits(evaluate(loaded), evaluate(model)));

          Sequential built = build_model(read, activation, "model", norm);
          CHECK(same(state_tensors(built), saved));
          CHECK(same_bits(evaluate(built), evaluate(model)));
          CHECK(built.size() == model.size());
          // The file does not know the probability; evaluation does not need it.
          if (dropout == 0) CHECK(built.describe() == model.describe());
        }
      }
    }
  }
}

TEST_CASE("a BatchNorm without weight and bias, as PyTorch saves one that is not affine") {
  Safetensors contents;
  contents.tensors["0.weight"] = floats({2, 1}, {1, -3});
  contents.tensors["1.running_mean"] = floats({2}, {1, 2});
  contents.tensors["1.running_var"] = floats({2}, {4, 0.25f});
  contents.tensors["1.num_batches_tracked"] = tensor<std::int64_t>(Dtype::I64, {}, {7});
  contents.tensors["3.weight"] = floats({1, 2}, {1, 1});
  Sequential model = build_model(contents, Activation::relu, "file");
  CHECK(model.describe() == "Linear(1, 2, no bias) - BatchNorm(2, not affine) - ReLU - Linear(2, 1, no bias)");
  CHECK(same(state_tensors(model), contents));
  // x = 5: (5 - 1) / 2 = 2, and (-15 - 2) / 0.5 < 0, which ReLU takes for 0; x = -5: -3, and (15 - 2) / 0.5 = 26.
  Buffer x(2, 1);
  x << 5, -5;
  Tape tape(Tape::Gradients::none);
  for (const std::unique_ptr<Layer>& layer : {model.clone(), fold_where_possible(model)}) {
    const View y = layer->forward(tape.constant(x), Mode::eval).value();
    CHECK(y(0, 0) == doctest::Approx(2).epsilon(1e-4));
    CHECK(y(1, 0) == doctest::Approx(26).epsilon(1e-4));
  }
}

// The model as its file makes it again, with what the metadata says of a residual one.
Sequential rebuilt(const Sequential& model, Activation activation) {
  const TemporaryFolder folder;
  Safetensors contents = state_tensors(model);
  contents.metadata = {{"residual", "true"}, {"network", model.describe()}};
  write_safetensors(folder / "model", contents);
  return build_model(read_safetensors(folder / "model"), activation, "model");
}

TEST_CASE("a residual network, built anew from its file, computes the same") {
  const std::vector<std::vector<Index>> widths{{4}, {4, 4}, {3, 3, 5}, {4, 5, 5, 5, 4}};
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    for (const NormPlace place : {NormPlace::before, NormPlace::after}) {
      for (const double dropout : {0.0, 0.5}) {
        for (const bool affine : {true, false}) {
          for (const std::vector<Index>& hidden : widths) {
            Sequential model = make_mlp({.in = 4,
                                         .hidden = hidden,
                                         .out = 2,
                                         .norm = norm,
                                         .activation = Activation::tanh,
                                         .dropout = dropout,
                                         .norm_place = place,
                                         .parts = {.affine = affine},
                                         .residual = true},
                                        1);
            randomize(model, 0);
            INFO(model.describe());
            Sequential built = rebuilt(model, Activation::tanh);
            CHECK(same(state_tensors(built), state_tensors(model)));
            CHECK(same_bits(evaluate(built), evaluate(model)));
            if (dropout == 0) CHECK(built.describe() == model.describe());
            for (std::size_t i = 0; i < model.size(); ++i) {
              CHECK((dynamic_cast<Residual*>(&built[i]) != nullptr) == (dynamic_cast<Residual*>(&model[i]) != nullptr));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a network with its normalization behind the activation and dropout has the same layers again") {
  for (const Norm norm : {Norm::batch, Norm::layer}) {
    Sequential model = make_mlp({.in = 4,
                                 .hidden = {3, 5},
                                 .out = 2,
                                 .norm = norm,
                                 .activation = Activation::sigmoid,
                                 .dropout = 0.5,
                                 .norm_place = NormPlace::after},
                                1);
    randomize(model, 0);
    Sequential built = build_model(state_tensors(model), Activation::sigmoid, "model", norm);
    // The file does not know the probability.
    const std::string name = norm == Norm::batch ? "BatchNorm" : "LayerNorm";
    CHECK(built.describe() == fmt::format("Linear(4, 3) - Sigmoid - {0}(3) - Dropout(0) - Linear(3, 5) - Sigmoid - "
                                          "{0}(5) - Dropout(0) - Linear(5, 2)",
                                          name));
    CHECK(same_bits(evaluate(built), evaluate(model)));
  }
}

TEST_CASE("residual blocks that are none") {
  using Shapes = std::map<std::string, std::vector<std::int64_t>>;
  const auto error = [](const Shapes& shapes, bool residual = true) {
    Safetensors contents;
    if (residual) contents.metadata["residual"] = "true";
    for (const auto& [name, shape] : shapes) {
      std::int64_t size = 1;
      for (const std::int64_t n : shape) size *= n;
      contents.tensors[name] = floats(shape, std::vector<float>(static_cast<std::size_t>(size)));
    }
    return error_of([&] { build_model(contents, Activation::relu, "some/file"); });
  };
  const auto with = [](Shapes shapes, const Shapes& others) {
    shapes.insert(others.begin(), others.end());
    return shapes;
  };
  const Shapes first{{"0.weight", {3, 4}}};
  const Shapes good = with(first, {{"2.0.weight", {3, 3}}, {"3.weight", {2, 3}}});
  CHECK(error(good) == "");
  CHECK_CONTAINS(error(good, false),
                 "named as in an nn.Sequential (\"0.weight\"), found \"2.0.weight\": save the layers");

  CHECK(error(with(first, {{"2.0.weight", {5, 3}}})) ==
        "some/file: 2: expected a block that puts out as many numbers as it takes, 3, found 5");
  CHECK(error({{"0.0.weight", {5, 3}}}) ==
        "some/file: 0: expected a block that puts out as many numbers as it takes, 3, found 5");
  CHECK(error(with(first, {{"2.0.weight", {7, 3}}, {"2.2.weight", {5, 7}}})) ==
        "some/file: 2: expected a block that puts out as many numbers as it takes, 3, found 5");
  CHECK_CONTAINS(error(with(first, {{"2.0.weight", {3, 5}}})), "2.0.weight: expected 3 inputs");
  CHECK_CONTAINS(error(with(first, {{"2.1.weight", {3, 3}}})), "2.1.weight: expected a tensor at a position before it");
  CHECK_CONTAINS(error(with(first, {{"2.0.weight", {3, 3}}, {"2.weight", {3, 3}}})), "found \"2.weight\"");
  CHECK_CONTAINS(error(with(first, {{"2.0.bias", {3}}})), "2.0.weight: missing");
  CHECK_CONTAINS(error(with(first, {{"2.0.0.weight", {3, 3}}})), "found \"2.0.0.weight\"");  // no blocks in blocks
  CHECK_CONTAINS(error({{"0.0.weight", {3}}}), "0.0.weight: expected the weight of a Linear");
  CHECK_CONTAINS(error(with(good, {{"2.0.extra", {3}}})), "2.0.extra: in the file, but not in the model");

  // A name that would take a hundred thousand levels to follow.
  std::string hostile;
  for (int level = 0; level < 100'000; ++level) hostile += "0.";
  for (const bool residual : {true, false}) {
    const std::string message = error({{hostile + "weight", {3, 3}}}, residual);
    CHECK(message.starts_with("some/file: expected tensors named as in an nn.Sequential"));
    CHECK(message.size() < 300);
  }
}

TEST_CASE("the file is laid out as the format asks, with PyTorch's names") {
  const TemporaryFolder folder;
  Sequential model = make_mlp({.in = 4, .hidden = {3}, .out = 2}, 1);
  randomize(model, 0);
  auto* output = dynamic_cast<Linear*>(&model[3]);
  REQUIRE(output != nullptr);
  output->weight.value << 1, 2, 3, 4, 5, 6;
  Safetensors contents = state_tensors(model);
  contents.metadata["activation"] = "relu";
  write_safetensors(folder / "model", contents);

  const std::string file = read_file(folder / "model");
  std::uint64_t header_size = 0;
  for (std::size_t i = 0; i < 8; ++i) header_size |= std::uint64_t{static_cast<std::uint8_t>(file[i])} << (8 * i);
  REQUIRE(header_size <= file.size() - 8);
  CHECK(header_size % 8 == 0);
  CHECK(file[8] == '{');
  const json header = json::parse(file.substr(8, header_size));
  std::set<std::string> keys;
  for (const auto& [key, value] : header.items()) keys.insert(key);
  CHECK(keys == std::set<std::string>{"__metadata__", "0.weight", "1.weight", "1.bias", "1.running_mean",
                                      "1.running_var", "1.num_batches_tracked", "3.weight", "3.bias"});
  const std::uint32_t crc =
      static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(file.data()) + 8 + header_size,
                                       static_cast<uInt>(file.size() - 8 - header_size)));
  CHECK(header["__metadata__"] == json{{"activation", "relu"}, {"tensors_crc32", fmt::format("{:08x}", crc)}});
  CHECK(header["0.weight"]["dtype"] == "F32");
  CHECK(header["0.weight"]["shape"] == json{3, 4});  // [out, in]
  CHECK(header["1.running_var"]["shape"] == json{3});
  CHECK(header["1.num_batches_tracked"]["dtype"] == "I64");
  CHECK(header["1.num_batches_tracked"]["shape"] == json::array());
  CHECK(header["3.weight"]["shape"] == json{2, 3});

  // Row by row, where the offsets say; each tensor at a multiple of its numbers' size.
  const std::size_t begin = header["3.weight"]["data_offsets"][0], end = header["3.weight"]["data_offsets"][1];
  float numbers[6];
  REQUIRE(end - begin == sizeof(numbers));
  std::memcpy(numbers, file.data() + 8 + header_size + begin, sizeof(numbers));
  for (int i = 0; i < 6; ++i) CHECK(numbers[i] == static_cast<float>(i + 1));
  std::size_t last = 0;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") continue;
    CHECK(value["data_offsets"][0].get<std::size_t>() % (value["dtype"] == "I64" ? 8 : 4) == 0);
    last = std::max(last, value["data_offsets"][1].get<std::size_t>());
  }
  CHECK(file.size() == 8 + header_size + last);
}

TEST_CASE("a file in F64 loads into float") {
  const TemporaryFolder folder;
  Sequential model = make_mlp({.in = 2, .hidden = {}, .out = 1}, 1);
  Safetensors contents;
  contents.tensors["0.weight"] = tensor<double>(Dtype::F64, {1, 2}, {1.0 / 3, -2});
  contents.tensors["0.bias"] = floats({1}, {0.5f});
  write_safetensors(folder / "model", contents);
  load_state(model, read_safetensors(folder / "model"), "model");
  const Safetensors loaded = state_tensors(model);
  CHECK(loaded.tensors.at("0.weight") == floats({1, 2}, {1.0f / 3, -2}));
  CHECK(loaded.tensors.at("0.bias") == floats({1}, {0.5f}));
}

// ---- A file and a model that do not fit -----------------------------------------------------------------------------

TEST_CASE("loading what does not fit names the tensor and leaves the model as it was") {
  Sequential model = small_model(0), other = small_model(1);
  const Safetensors before = state_tensors(model);
  auto error = [&](const auto& change) {
    Safetensors contents = state_tensors(other);
    change(contents.tensors);
    const std::string message = error_of([&] { load_state(model, contents, "some/file"); });
    CHECK(message.starts_with("some/file: "));
    CHECK(same(state_tensors(model), before));
    return message;
  };
  using Tensors = std::map<std::string, TensorData>;
  for (const auto& [key, tensor] : before.tensors) {
    const std::string name = key;
    if (name.ends_with("tracked")) continue;
    CHECK_CONTAINS(error([&](Tensors& t) { t.erase(name); }),
                   "some/file: " + name + ": expected by the model Linear(4, 3, no bias) - ");
  }
  CHECK_CONTAINS(error([](Tensors& t) {
                   t["0.bias"] = floats({3}, {1, 2, 3});
                 }),
                 "some/file: 0.bias: in the file, but not in the model Linear(4, 3, no bias) - ");
  CHECK_CONTAINS(error([](Tensors& t) { t["9.weight"] = floats({1}, {1}); }), "9.weight: in the file, but not");
  CHECK_CONTAINS(error([](Tensors& t) {
                   t["6.bias"] = floats({3}, {1, 2, 3});
                 }),
                 "6.bias: expected the shape [2], found [3]");
  CHECK_CONTAINS(error([](Tensors& t) {
                   t["0.weight"].shape = {4, 3};
                 }),
                 "0.weight: expected the shape [3, 4], found [4, 3]");
  CHECK_CONTAINS(error([](Tensors& t) { t["0.weight"].shape = {12}; }),
                 "0.weight: expected the shape [3, 4], found [12]");
  CHECK_CONTAINS(error([](Tensors& t) { t["1.num_batches_tracked"].shape = {1}; }),
                 "1.num_batches_tracked: expected the shape [], found [1]");
  CHECK_CONTAINS(error([](Tensors& t) { t["4.num_batches_tracked"] = floats({}, {3}); }),
                 "4.num_batches_tracked: expected I64");
  CHECK_CONTAINS(error([](Tensors& t) {
                   t["6.bias"] = tensor<std::int64_t>(Dtype::I64, {2}, {1, 2});
                 }),
                 "6.bias: expected F64, F32, F16 or BF16, found I64");

  CHECK_CONTAINS(error([](Tensors& t) {
                   for (const char* name : {"a", "b", "c", "d"}) t[name] = floats({1}, {1});
                   t.erase("0.weight");
                 }),
                 ", missing in the file, which has a, b, c and 1 more");

  load_state(model, state_tensors(other), "some/file");
  CHECK(same(state_tensors(model), state_tensors(other)));
}

TEST_CASE("numbers that no training leaves") {
  Sequential model = small_model();
  const auto error = [&](const std::string& name, auto number) {
    Safetensors contents = state_tensors(model);
    std::memcpy(contents.tensors.at(name).bytes.data(), &number, sizeof(number));
    Sequential other = small_model();
    return error_of([&] { load_state(other, contents, "some/file"); });
  };
  for (const float number : {NAN, HUGE_VALF}) {
    CHECK(error("0.weight", number) == "some/file: 0.weight: expected finite numbers, found others");
  }
  CHECK(error("1.running_var", -0.5f) == "some/file: 1.running_var: expected numbers of at least 0, found -0.5");
  for (const std::int64_t number : {std::int64_t{-1}, INT64_MAX}) {
    CHECK_CONTAINS(error("1.num_batches_tracked", number),
                   "some/file: 1.num_batches_tracked: expected a count from 0 to 2^53, found ");
  }
  CHECK(error("1.num_batches_tracked", std::int64_t{7}).empty());
}

TEST_CASE("building a network from tensors that make none") {
  auto error = [](const std::map<std::string, std::vector<std::int64_t>>& shapes) {
    Safetensors contents;
    for (const auto& [name, shape] : shapes) {
      std::int64_t size = 1;
      for (const std::int64_t n : shape) size *= n;
      contents.tensors[name] = floats(shape, std::vector<float>(static_cast<std::size_t>(size)));
    }
    const std::string message = error_of([&] { build_model(contents, Activation::relu, "some/file"); });
    CHECK(message.starts_with("some/file: "));
    return message;
  };
  CHECK_CONTAINS(error({}), "has no tensors");
  for (const std::string name :
       {"weight", ".weight", "x.weight", "0weight", "0", "-1.weight", "fc1.weight", "99999999999999999999.weight"}) {
    CHECK_CONTAINS(error({{name, {2, 3}}}), "named as in an nn.Sequential (\"0.weight\"), found \"" + name + "\"");
  }
  CHECK_CONTAINS(error({{"0.bias", {3}}}), "0.weight: missing");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.bias", {3}}}), "1.weight: missing");
  for (const std::string position : {"3", "18446744073709551615"}) {
    CHECK_CONTAINS(error({{position + ".weight", {3, 2}}}),
                   position + ".weight: expected a tensor at a position before it");
  }
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"4.weight", {2, 3}}}),
                 "4.weight: expected a tensor at a position before");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"18446744073709551615.weight", {2, 3}}}),
                 "18446744073709551615.weight: expected a tensor at a position before");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"2.weight", {2, 4}}}),
                 "2.weight: expected 3 inputs, as many as the layer before puts out, found 4");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.weight", {2}}}), "1.weight: expected 3 inputs");
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{}, {3}, {2, 3, 4}, {0, 3}, {3, 0}}) {  // {3}: no normalization comes first
    CHECK_CONTAINS(error({{"0.weight", shape}}), "0.weight: expected the weight of a Linear, or behind one ");
  }
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"0.bias", {2}}}), "0.bias: expected the shape [3], found [2]");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"0.extra", {3}}}), "0.extra: in the file, but not in the model");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"00.weight", {3, 2}}}), "0.weight: in the file, but not in the model");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.bias", {3}}, {"1.running_mean", {3}}}), "1.weight: missing");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.running_mean", {2}}}), "1.running_mean: expected 3 inputs");
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{}, {3, 3}, {0}}) {
    CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.running_mean", shape}}),
                   "1.running_mean: expected the mean of a BatchNorm, found the shape [");
  }
  CHECK_CONTAINS(error({{"0.running_mean", {3}}}), "expected a Linear, found none");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.running_mean", {3}}}), "1.running_var: expected by the model");
  CHECK_CONTAINS(error({{"0.weight", {3, 2}}, {"1.weight", {3}}, {"1.bias", {3}}, {"1.running_mean", {3}}}),
                 "1.running_var: expected by the model");
}

TEST_CASE("positions without tensors are an activation and, after it, a dropout") {
  Safetensors contents;
  contents.tensors["0.weight"] = floats({2, 1}, {1, -1});
  contents.tensors["2.weight"] = floats({2, 2}, {1, 2, 3, 4});
  contents.tensors["5.weight"] = floats({1, 2}, {1, 1});
  CHECK(build_model(contents, Activation::sigmoid, "file").describe() ==
        "Linear(1, 2, no bias) - Sigmoid - Linear(2, 2, no bias) - Sigmoid - Dropout(0) - Linear(2, 1, no bias)");
  CHECK(build_model(contents, Activation::relu, "file")[1].describe() == "ReLU");
}

// ---- Models from elsewhere ------------------------------------------------------------------------------------------

// A network 1 - 2 - 1 whose output is |x| without a normalization, with names as somebody else gives them.
Safetensors elsewhere(const std::string& prefix, int first, const std::map<std::string, TensorData>& norm = {}) {
  Safetensors contents;
  const auto add = [&](int position, const std::string& name, TensorData data) {
    contents.tensors[fmt::format("{}{}.{}", prefix, first + position, name)] = std::move(data);
  };
  add(0, "weight", floats({2, 1}, {1, -1}));
  for (const auto& [name, data] : norm) add(1, name, data);
  add(norm.empty() ? 2 : 3, "weight", floats({1, 2}, {1, 1}));
  return contents;
}

const std::map<std::string, TensorData> kAffine{{"weight", floats({2}, {1, 2})}, {"bias", floats({2}, {0, 0})}};

std::map<std::string, TensorData> with_statistics(std::map<std::string, TensorData> norm = kAffine) {
  norm["running_mean"] = floats({2}, {0, 0});
  norm["running_var"] = floats({2}, {1, 1});
  return norm;
}

TEST_CASE("names behind a prefix, and a Flatten and a dropout in front") {
  for (const std::string prefix : {"", "model.", "module.net.", "linear_relu_stack."}) {
    CHECK(build_model(elsewhere(prefix, 0), Activation::relu, "file").describe() ==
          "Linear(1, 2, no bias) - ReLU - Linear(2, 1, no bias)");
    CHECK(build_model(elsewhere(prefix, 1), Activation::tanh, "file").describe() ==
          "Flatten - Linear(1, 2, no bias) - Tanh - Linear(2, 1, no bias)");
    Sequential built = build_model(elsewhere(prefix, 2), Activation::relu, "file");
    CHECK(built.describe() == "Flatten - Dropout(0) - Linear(1, 2, no bias) - ReLU - Linear(2, 1, no bias)");
    Tape tape(Tape::Gradients::none);
    Buffer x(1, 1);
    x << -3;
    CHECK(built.forward(tape.constant(x), Mode::eval).value()(0, 0) == 3);

    // Into a model that is there already, as --init does.
    Sequential model = build_model(elsewhere("", 0), Activation::relu, "file");
    for (Parameter* p : model.parameters()) p->value.setZero();
    for (const int first : {0, 1, 2}) {
      load_state(model, elsewhere(prefix, first), "file");
      CHECK(same(state_tensors(model), elsewhere("", 0)));
    }
  }
  Sequential model = build_model(elsewhere("", 0), Activation::relu, "file");
  CHECK_CONTAINS(error_of([&] { load_state(model, elsewhere("net.", 3), "file"); }), "file: net.0.weight: expected by");
}

TEST_CASE("what no file says of a module is not guessed") {
  const auto error = [](Safetensors contents) {
    const std::string message = error_of([&] { build_model(contents, Activation::relu, "file"); });
    CHECK(message.size() < 300);
    return message;
  };
  // Two parts of a module, whose order only the module knows.
  Safetensors two = elsewhere("features.", 0);
  two.tensors["classifier.0.weight"] = floats({1, 1}, {1});
  CHECK_CONTAINS(error(two), "found \"features.0.weight\": save the layers in their order, with the activations");
  // A list of layers, whose module calls the activations.
  Safetensors list;
  list.tensors["layers.0.weight"] = floats({2, 1}, {1, 1});
  list.tensors["layers.1.weight"] = floats({1, 2}, {1, 1});
  CHECK_CONTAINS(error(list), "layers.1.weight: expected a position for an activation before it, found none");
  // Names that no layer here has.
  Safetensors more = elsewhere("", 0);
  for (const char* name : {"0.a", "0.b", "0.c", "2.d"}) more.tensors[name] = floats({1}, {1});
  CHECK_CONTAINS(error(more), "file: 0.a, 0.b, 0.c and 1 more: in the file, but not in the model");
  Safetensors weight_norm;
  weight_norm.tensors["0.weight_v"] = floats({2, 1}, {1, 1});
  CHECK_CONTAINS(error(weight_norm), "file: 0.weight: missing, found \"0.weight_v\"");
  CHECK_CONTAINS(error(elsewhere("", 0, {{"weight", floats({2}, {1, 1})}})), "1.bias: missing, found a weight alone");
}

TEST_CASE("a BatchNorm may come first, and needs no count of batches") {
  Safetensors contents = elsewhere("", 0, with_statistics());
  CHECK(build_model(contents, Activation::relu, "file").describe() ==
        "Linear(1, 2, no bias) - BatchNorm(2) - ReLU - Linear(2, 1, no bias)");
  contents.tensors["1.num_batches_tracked"] = tensor<std::int64_t>(Dtype::I64, {}, {7});
  Sequential model = build_model(contents, Activation::relu, "file");
  contents.tensors.erase("1.num_batches_tracked");
  load_state(model, contents, "file");
  CHECK(dynamic_cast<BatchNorm&>(model[1]).num_batches_tracked == 7);
  CHECK_CONTAINS(error_of([&] { load_state(model.state(), "a checkpoint", contents, "file"); }),
                 "file: 1.num_batches_tracked: expected by a checkpoint, missing in the file");
  // Statistics that were lost are not those of a LayerNorm.
  for (const char* name : {"running_mean", "running_var"}) {
    Safetensors lost = state_tensors(model);
    lost.tensors.erase(std::string("1.") + name);
    CHECK_CONTAINS(error_of([&] { build_model(lost, Activation::relu, "file"); }),
                   std::string("1.") + name + ": expected by the model");
  }
  Safetensors counted = elsewhere("", 0, kAffine);
  counted.tensors["1.num_batches_tracked"] = tensor<std::int64_t>(Dtype::I64, {}, {7});
  CHECK_CONTAINS(error_of([&] { build_model(counted, Activation::relu, "file", Norm::layer); }), "1.running_mean");

  Safetensors first;
  for (const auto& [name, data] : with_statistics()) first.tensors["1." + name] = data;
  first.tensors["2.weight"] = floats({1, 2}, {1, 1});
  CHECK(build_model(first, Activation::relu, "file").describe() == "Flatten - BatchNorm(2) - Linear(2, 1, no bias)");
}

TEST_CASE("a weight and a bias without running statistics are what somebody says") {
  const Safetensors contents = elsewhere("net.", 0, kAffine);
  const auto build = [&](std::optional<Norm> norm) { return build_model(contents, Activation::relu, "file", norm); };
  for (const std::optional<Norm> norm : {std::optional<Norm>(), std::optional(Norm::none)}) {
    CHECK(error_of([&] { build(norm); }) ==
          "file: net.1.weight: of a LayerNorm, or of a BatchNorm without running statistics, which the file does not "
          "say: tare eval and predict take --norm layer or --norm batch");
  }
  CHECK(build(Norm::layer)[1].describe() == "LayerNorm(2)");
  Sequential model = build(Norm::batch);
  const auto& norm = dynamic_cast<const BatchNorm&>(model[1]);
  CHECK(norm.gamma.value(0, 1) == 2);
  CHECK(norm.running_mean.array().isNaN().all());  // nothing that could be taken for statistics
  CHECK(norm.running_var.array().isNaN().all());
  CHECK_CONTAINS(error_of([&] { state_tensors(model); }), "1.running_mean: expected finite numbers");

  // What Tare has written says it.
  Safetensors written = contents;
  written.metadata["network"] = build(Norm::layer).describe();
  CHECK(build_model(written, Activation::relu, "file")[1].describe() == "LayerNorm(2)");
  CHECK(build_model(written, Activation::relu, "file", Norm::batch)[1].describe() == "LayerNorm(2)");
  written.metadata["network"] = "something else";
  CHECK_CONTAINS(error_of([&] { build_model(written, Activation::relu, "file"); }), "which the file does not say");
}

TEST_CASE("half precision in both forms, written and read") {
  const TemporaryFolder folder;
  // 1, -2, the smallest subnormal, the largest number; bit by bit, as no library of this program writes them.
  const std::vector<std::uint16_t> half{0x3c00, 0xc000, 0x0001, 0x7bff}, brain{0x3f80, 0xc000, 0x0001, 0x7f7f};
  const auto load = [&](Dtype dtype, const std::vector<std::uint16_t>& numbers) {
    Safetensors contents;
    contents.tensors["0.weight"] = tensor(dtype, {1, 4}, numbers);
    write_safetensors(folder / "model", contents);
    CHECK(same(read_safetensors(folder / "model"), contents));
    return build_model(read_safetensors(folder / "model"), Activation::relu, "file");
  };
  const auto weight = [](const Sequential& model, Index i) {
    return dynamic_cast<const Linear&>(model[0]).weight.value(0, i);
  };
  const Sequential from_half = load(Dtype::F16, half), from_brain = load(Dtype::BF16, brain);
  for (const Sequential& model : {from_half, from_brain}) {
    CHECK(weight(model, 0) == 1);
    CHECK(weight(model, 1) == -2);
  }
  CHECK(weight(from_half, 2) == std::ldexp(1.0f, -24));
  CHECK(weight(from_half, 3) == 65504);
  CHECK(weight(from_brain, 2) == std::ldexp(1.0f, -133));
  CHECK(weight(from_brain, 3) == std::bit_cast<float>(0x7f7f0000u));
  CHECK_CONTAINS(error_of([&] { load(Dtype::F16, {0x7c00, 0, 0, 0}); }), "0.weight: expected finite numbers");
}

// ---- Malformed files ------------------------------------------------------------------------------------------------

// The message about a file with these bytes. It must begin with the file's name.
std::string error_reading(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "model", bytes);
  const std::string message = error_of([&] { read_safetensors(folder / "model"); });
  REQUIRE_MESSAGE(message.starts_with((folder / "model").string() + ": "), message);
  CHECK_FALSE(contains(message, "\n"));
  return message;
}

std::string with_size(std::uint64_t size, const std::string& rest) { return testing::little_endian(size) + rest; }

std::string file_of(const std::string& header, std::size_t data = 0) {
  return testing::safetensors_file(header, std::string(data, '\1'));
}

// A header with one tensor "t".
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST_CASE("a file that is well-formed, for comparison with those that are not") {
  const TemporaryFolder folder;
  write_file(folder / "model", file_of(one("\"F32\"", "[2]", "[0,8]") + "  \n", 8));
  const Safetensors read = read_safetensors(folder / "model");
  CHECK(read.tensors.at("t").shape == std::vector<std::int64_t>{2});
  CHECK(read.tensors.at("t").bytes == std::vector<std::byte>(8, std::byte{1}));
  // Order in the header does not matter, nor do tensors without numbers.
  write_file(folder / "model", file_of(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},
    "z":{"data_offsets":[8,8],"shape":[0],"dtype":"F32"},
    "a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})",
                                       12));
  CHECK(read_safetensors(folder / "model").tensors.size() == 3);
}

TEST_CASE("not a safetensors file at all") {
  CHECK_CONTAINS(error_reading(""), "expected a safetensors file, found 0 bytes");
  CHECK_CONTAINS(error_reading("1234567"), "expected a safetensors file, found 7 bytes");
  // Binary, but nothing known.
  CHECK_CONTAINS(error_reading("\1\2\3\4\5\6\7\x10 more"),
                 "no safetensors file: expected a header of at most 100000000");
  // An archive's header has 30 bytes; the name of the first file inside follows.
  const auto zip = [](const std::string& inside) { return "PK\3\4" + std::string(26, '\1') + inside; };
  const std::string to_convert = "in Python: safetensors.torch.save_file(torch.load(";
  const std::pair<std::string, std::string> others[] = {
      {zip("archive/data.pkl"), "found what torch.save, or pickle, writes; " + to_convert},
      {"\x80\2\x8a\nl\xfc\x9c"
       "F\xf9 j\xa8P\x19.",
       to_convert},
      {"\x80\4\x95\0\1\0\0\0\0\0\0more"s, to_convert},
      {zip("arr_0.npy"), "safetensors.numpy.save_file("},
      {zip("word/document.xml"), "found a zip archive"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
       "a Git LFS pointer to the file itself"},
      {"\x1f\x8b\x08\0\0\0\0\0\0\x03more"s, "found gzip, to be unpacked by gzip -d"},
      {"\x1f\x8b\x08\0\0\0\0\0\0\x03"s + std::string(600'000, '\1'), "found gzip"},  // as long as a header
      {"\x93NUMPY\1\0v\0"s, "found a single array of NumPy"},
      {"\x89HDF\r\n\x1a\n\0"s, "found HDF5"},
      {"<!DOCTYPE html><html>", "found HTML or XML"},
      {"\n  <?xml version='1.0'?>", "found HTML or XML"},
      {"{\"hidden\": [256, 128]}", "found JSON"},
      {"# Tare\n\nA framework \xe2\x80\x93 with UTF-8.\n", "expected a safetensors file, found text"}};
  for (const auto& [bytes, message] : others) CHECK_CONTAINS(error_reading(bytes), message);
  const TemporaryFolder folder;
  CHECK(error_of([&] { read_safetensors(folder / "none"); }) == (folder / "none").string() + ": no such file");
  CHECK(error_of([&] { read_safetensors(folder.path()); }) == folder.path().string() + ": not a regular file");
  CHECK(error_of([] { read_safetensors("/dev/null"); }) == "/dev/null: not a regular file");
}

TEST_CASE("malformed headers") {
  CHECK_CONTAINS(error_reading(with_size(3, "{}")), "truncated in its header: expected 3 bytes, found 2");
  CHECK_CONTAINS(error_reading(with_size(100'000'000, "{}")), "truncated in its header: expected 100000000 bytes");
  CHECK_CONTAINS(error_reading(with_size(100'000'001, "{}")), "header of at most 100000000 bytes, found 100000001");
  CHECK_CONTAINS(error_reading(with_size(~std::uint64_t{0}, "{}")), "found 18446744073709551615");
  for (const std::string header : {"", " {}", "[]", "\"t\"", "\xef\xbb\xbf{}"}) {
    CHECK_CONTAINS(error_reading(file_of(header)), "header does not begin with {");
  }
  for (const std::string& header :
       {std::string("{"), std::string("{\"a\"}"), std::string("{} x"), std::string("{}\0", 3),
        std::string("{\"a\":NaN}"), std::string("{}\0x", 4), std::string("{\"a\":1e999}")}) {
    CHECK_CONTAINS(error_reading(file_of(header)), "its header is not valid JSON");
  }
  for (const std::string header : {"{\"\xff\":1}", "{\"__metadata__\":{\"a\":\"\xc3(\"}}"}) {
    CHECK_CONTAINS(error_reading(file_of(header)), "its header is not valid UTF-8");
  }
  for (const std::string& header : {"{\"a\":" + std::string(200000, '['), std::string(R"({"a":{"b":{"c":[]}}})")}) {
    CHECK_CONTAINS(error_reading(file_of(header)), "its header is nested too deeply");
  }

  const std::string t = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  CHECK_CONTAINS(error_reading(file_of("{\"t\":" + t + ",\"t\":" + t + "}", 4)), "the key \"t\" stands twice");
  CHECK_CONTAINS(error_reading(file_of("{\"t\":" + t + ",\"\\u0074\":" + t + "}", 4)), "the key \"t\" stands twice");
  CHECK_CONTAINS(error_reading(file_of(R"({"__metadata__":{"k":"1","k":"1"}})")), "the key \"k\" stands twice");
  CHECK_CONTAINS(error_reading(file_of(R"({"t":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4)),
                 "the key \"shape\" stands twice");
  // The same key in different objects is no repetition.
  CHECK_CONTAINS(error_reading(file_of("{\"a\":" + t + ",\"b\":" + t + "}", 4)),
                 "b: overlaps the tensor before: expected its bytes to begin at 4, found 0");

  for (const std::string metadata : {"[]", "\"text\"", "null", "3"}) {
    CHECK_CONTAINS(error_reading(file_of("{\"__metadata__\":" + metadata + "}")), "expected an object as __metadata__");
  }
  for (const std::string value : {"1", "null", "{}", "[\"a\"]", "true"}) {
    CHECK_CONTAINS(error_reading(file_of("{\"__metadata__\":{\"k\":" + value + "}}")),
                   "expected a string as the metadata \"k\"");
  }
}

TEST_CASE("malformed entries of tensors") {
  auto error = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    const std::string message = error_reading(file_of(one(dtype, shape, offsets), 8));
    CHECK(contains(message, ": t: "));
    return message;
  };
  CHECK_CONTAINS(error_reading(file_of("{\"t\":[]}")), "t: expected an object, found array");
  CHECK_CONTAINS(error_reading(file_of(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4)),
                 "t: expected dtype, shape and data_offsets, found \"x\"");
  CHECK_CONTAINS(error("\"F33\"", "[4]", "[0,8]"), "expected the dtype F32, F64, F16, BF16 or I64, found F33");
  CHECK_CONTAINS(error("\"f32\"", "[2]", "[0,8]"), "found f32");
  CHECK_CONTAINS(error("32", "[2]", "[0,8]"), "expected the dtype F32, F64, F16, BF16 or I64, found nothing");
  CHECK_CONTAINS(error_reading(file_of(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", 8)), "found nothing");
  CHECK_CONTAINS(error_reading(file_of(R"({"t":{"dtype":"F32","data_offsets":[0,8]}})", 8)),
                 "expected an array \"shape\"");
  CHECK_CONTAINS(error_reading(file_of(R"({"t":{"dtype":"F32","shape":[2]}})", 8)),
                 "expected an array \"data_offsets\"");

  for (const std::string number :
       {"-1", "1.0", "2e0", "\"2\"", "null", "true", "9223372036854775808", "18446744073709551616"}) {
    CHECK_CONTAINS(error("\"F32\"", "[" + number + "]", "[0,8]"),
                   "expected whole numbers from 0 to 2^63 - 1 in \"shape\"");
    CHECK_CONTAINS(error("\"F32\"", "[2]", "[0," + number + "]"), "2^63 - 1 in \"data_offsets\"");
  }
  CHECK_CONTAINS(error("\"F32\"", "2", "[0,8]"), "expected an array \"shape\"");
  for (const std::string offsets : {"[]", "[8]", "[0,8,8]", "[8,0]"}) {
    CHECK_CONTAINS(error("\"F32\"", "[2]", offsets), "expected data_offsets [begin, end], found ");
  }
  CHECK_CONTAINS(error("\"F32\"", "[3]", "[0,8]"), "expected 12 bytes for F32 [3], found 8");
  CHECK_CONTAINS(error("\"F64\"", "[2]", "[0,8]"), "expected 16 bytes for F64 [2], found 8");
  CHECK_CONTAINS(error("\"F32\"", "[]", "[0,8]"), "expected 4 bytes for F32 [], found 8");
  // Products that wrap around to the right number of bytes.
  CHECK_CONTAINS(error("\"F32\"", "[4611686018427387906]", "[0,8]"), "is too large");
  CHECK_CONTAINS(error("\"F32\"", "[4294967296,4294967296]", "[0,0]"), "is too large");
}

TEST_CASE("tensors that do not lie one after the other, from the first byte to the last") {
  auto two = [](const std::string& a, const std::string& b, std::size_t data) {
    return error_reading(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + a +
                                     R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}",
                                 data));
  };
  CHECK_CONTAINS(two("[0,8]", "[4,12]", 12),
                 "b: overlaps the tensor before: expected its bytes to begin at 8, found 4");
  CHECK_CONTAINS(two("[0,8]", "[0,8]", 8), "b: overlaps the tensor before: expected its bytes to begin at 8, found 0");
  CHECK_CONTAINS(two("[0,8]", "[12,20]", 20),
                 "b: leaves a hole behind the tensor before: expected its bytes to begin at 8, found 12");
  CHECK_CONTAINS(two("[12,20]", "[4,12]", 20),
                 "b: leaves a hole behind the tensor before: expected its bytes to begin at 0, found 4");
  CHECK_CONTAINS(two("[0,8]", "[8,16]", 17), "too long: expected 16 bytes behind the header, found 17");
  CHECK_CONTAINS(two("[0,8]", "[8,16]", 15), "truncated: expected 16 bytes behind the header, found 15");
  CHECK_CONTAINS(two("[0,8]", "[8,16]", 0), "truncated: expected 16 bytes behind the header, found 0");
  CHECK_CONTAINS(error_reading(file_of("{}", 1)), "too long: expected 0 bytes behind the header, found 1");
  // Nothing is allocated for a size that the file does not have.
  CHECK_CONTAINS(error_reading(file_of(one("\"F32\"", "[1152921504606846976]", "[0,4611686018427387904]"), 8)),
                 "truncated: expected 4611686018427387904 bytes");
}

// ---- Writing whole files or nothing ---------------------------------------------------------------------------------

TEST_CASE("a file that exists is replaced") {
  const TemporaryFolder folder;
  write_file(folder / "model", "old");
  Sequential model = small_model();
  write_safetensors(folder / "model", state_tensors(model));
  CHECK(same(read_safetensors(folder / "model"), state_tensors(model)));
  CHECK(folder.entries() == 1);
}

TEST_CASE("what cannot be written is an error that names it, and leaves nothing behind") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "directory");
  // Stands for /dev/null, which this test, run as root, would replace if it failed.
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const Safetensors contents;
  for (const fs::path& file : {folder / "missing/model", folder / "directory", folder / "pipe"}) {
    for (const bool only_check : {false, true}) {
      const std::string message =
          error_of([&] { only_check ? check_writable(file) : write_safetensors(file, contents); });
      CHECK(message.starts_with(file.string() + ": cannot be written: "));
    }
  }
  CHECK(folder.entries() == 2);
  CHECK(fs::is_empty(folder / "directory"));
  CHECK(fs::is_fifo(folder / "pipe"));
}

TEST_CASE("a file that is protected against writing is not replaced") {
  const TemporaryFolder folder;
  write_file(folder / "model", "old");
  REQUIRE(chmod((folder / "model").c_str(), 0444) == 0);
  if (geteuid() == 0) {
    MESSAGE("skipped: nothing is protected against root");
    return;
  }
  CHECK_CONTAINS(error_of([&] { tare::write_file(folder / "model", "new"); }), "model: cannot be written: ");
  CHECK(read_file(folder / "model") == "old");
}

TEST_CASE("check_writable changes nothing") {
  const TemporaryFolder folder;
  check_writable(folder / "new");
  CHECK(folder.entries() == 0);
  write_file(folder / "old", "content");
  check_writable(folder / "old");
  CHECK(folder.entries() == 1);
  CHECK(read_file(folder / "old") == "content");
}

// Lets no file grow beyond a size, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_;
  void (*handler_)(int);
};

TEST_CASE("when writing fails half-way, the old file is still there and nothing else") {
  const TemporaryFolder folder;
  Safetensors contents;
  contents.tensors["t"] = floats({1000}, std::vector<float>(1000, 1));
  for (const bool exists : {false, true}) {
    if (exists) write_file(folder / "model", "old");
    std::string message;
    {
      const FileSizeLimit limit(1000);
      message = error_of([&] { write_safetensors(folder / "model", contents); });
    }
    CHECK(message.starts_with((folder / "model").string() + ": cannot be written: "));
    CHECK(folder.entries() == (exists ? 1 : 0));
    if (exists) CHECK(read_file(folder / "model") == "old");
  }
}

TEST_CASE("text that is not UTF-8 cannot be written, and nothing else is lost") {
  const TemporaryFolder folder;
  write_file(folder / "model", "old");
  Safetensors name, key, value;
  name.tensors["\xff"] = floats({1}, {1});
  key.metadata["\xc3"] = "text";
  value.metadata["key"] = "\xed\xa0\x80";
  for (const Safetensors& contents : {name, key, value}) {
    CHECK_CONTAINS(error_of([&] { write_safetensors(folder / "model", contents); }),
                   "model: cannot be written: a name or the metadata is not valid UTF-8");
    CHECK(read_file(folder / "model") == "old");
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("a link stays a link, and the file behind it is replaced with its permissions kept") {
  const TemporaryFolder folder;
  write_file(folder / "model", "old");
  REQUIRE(chmod((folder / "model").c_str(), 0600) == 0);
  fs::create_symlink("model", folder / "link");
  Sequential model = small_model();
  write_safetensors(folder / "link", state_tensors(model));
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(same(read_safetensors(folder / "model"), state_tensors(model)));
  struct stat status;
  REQUIRE(stat((folder / "model").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(folder.entries() == 2);

  fs::create_symlink("link to nothing", folder / "second");
  fs::create_symlink("new", folder / "link to nothing");
  tare::write_file(folder / "second", "text");
  CHECK(fs::is_symlink(folder / "second"));
  CHECK(fs::is_symlink(folder / "link to nothing"));
  CHECK(read_file(folder / "new") == "text");
  fs::create_symlink("loop", folder / "loop");
  CHECK_CONTAINS(error_of([&] { AtomicFile unused(folder / "loop"); }),
                 "loop: cannot be written: too many symbolic links");
}

TEST_CASE("a file that claims to be long takes no memory") {
  const TemporaryFolder folder;
  write_file(folder / "model", file_of("{}"));
  fs::resize_file(folder / "model", 1'000'000'000'000);  // without a block of its own on the disk
  CHECK_CONTAINS(error_of([&] { read_safetensors(folder / "model"); }), "too long: expected 0 bytes behind the header");
}

TEST_CASE("a new file has the permissions of any other new file") {
  const TemporaryFolder folder;
  for (const mode_t mask : {022, 027, 0}) {
    const mode_t before = umask(mask);
    fs::remove(folder / "model");
    write_safetensors(folder / "model", {});
    umask(before);
    struct stat status;
    REQUIRE(stat((folder / "model").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == (0666 & ~mask));
  }
}

TEST_CASE("a file whose numbers are refused leaves the model as it was, every number of it") {
  Sequential model = make_mlp({.in = 3, .hidden = {4}, .out = 2}, 1);
  randomize(model, 1);
  const Safetensors before = state_tensors(model);
  Sequential other = model;
  randomize(other, 2);
  const auto refused = [&](const std::string& name, auto spoil, const std::string& message) {
    Safetensors file = state_tensors(other);
    spoil(file.tensors.at(name));
    INFO(name);
    CHECK(error_of([&] { load_state(model, file, "file"); }) == "file: " + name + ": " + message);
    CHECK(same(state_tensors(model), before));
  };
  const auto first_number = [](float x) {
    return [x](TensorData& tensor) { std::memcpy(tensor.bytes.data(), &x, sizeof(x)); };
  };
  const float nan = std::nanf(""), inf = HUGE_VALF;
  for (const char* name : {"0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias"}) {
    refused(name, first_number(nan), "expected finite numbers, found others");
    refused(name, first_number(inf), "expected finite numbers, found others");
  }
  refused("1.running_var", first_number(-1), "expected numbers of at least 0, found -1");
  refused(
      "1.num_batches_tracked",
      [](TensorData& t) {
        const std::int64_t negative = -1;
        std::memcpy(t.bytes.data(), &negative, sizeof(negative));
      },
      "expected a count from 0 to 2^53, found -1");
  // Finite in the file, but not in the model's precision.
  refused(
      "3.bias",
      [](TensorData& t) {
        t = tensor<double>(Dtype::F64, {2}, {1e300, 0});
      },
      "expected finite numbers, found others");
}

TEST_CASE("what would be refused when it is loaded is not written") {
  Sequential model = make_mlp({.in = 3, .hidden = {4}, .out = 2}, 1);
  const auto refusal = [&](const auto& spoil) {
    Sequential spoiled = model;
    spoil(dynamic_cast<Linear&>(spoiled[0]), dynamic_cast<BatchNorm&>(spoiled[1]));
    return error_of([&] { state_tensors(spoiled); });
  };
  CHECK(refusal([](Linear&, BatchNorm&) {}) == "");
  CHECK(refusal([](Linear& l, BatchNorm&) { l.weight.value(0, 0) = std::nanf(""); }) ==
        "0.weight: expected finite numbers, found others");
  CHECK(refusal([](Linear&, BatchNorm& n) { n.running_mean(0, 1) = HUGE_VALF; }) ==
        "1.running_mean: expected finite numbers, found others");
  CHECK(refusal([](Linear&, BatchNorm& n) { n.running_var(0, 1) = -1; }) ==
        "1.running_var: expected numbers of at least 0, found -1");
  CHECK(refusal([](Linear&, BatchNorm& n) { n.num_batches_tracked = -5; }) ==
        "1.num_batches_tracked: expected a count from 0 to 2^53, found -5");

  // A fold whose weights are larger than the largest number.
  auto& norm = dynamic_cast<BatchNorm&>(model[1]);
  norm.gamma.value.setConstant(1e38F);
  norm.running_var.setConstant(1e-10F);
  CHECK(contains(error_of([&] { state_tensors(fold_batch_norm(model)); }), "expected finite numbers"));

  // A state whose names or shapes are none.
  Matrix two = Matrix::Zero(1, 2);
  const MatrixMap numbers(two.data(), 1, 2);
  const auto state = [](const std::vector<StateTensor>& s) {
    return error_of([&] { state_tensors({s.begin(), s.end()}); });
  };
  CHECK(state({{"a", {2}, numbers}, {"a", {2}, numbers}}) == "a: expected one tensor of this name, found two");
  CHECK(state({{"a", {3}, numbers}}) == "a: expected the shape of 2 numbers, found [3]");
  CHECK(contains(error_of([&] {
                   load_state({{"a", {3}, numbers}}, "owner",
                              {.tensors = {{"a", floats({3}, {1, 2, 3})}}, .metadata = {}}, "file");
                 }),
                 "expected the shape of 2 numbers, found [3]"));
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, const TensorData& data) {
    return error_of([&] { write_safetensors(folder / "file", {.tensors = {{name, data}}, .metadata = {}}); });
  };
  CHECK(write("a", floats({1}, {1})) == "");
  CHECK(contains(write("__metadata__", floats({1}, {1})), "cannot be written: __metadata__ is no name for a tensor"));
  CHECK(contains(write("a", floats({2}, {1})), "cannot be written: a: expected 8 bytes for [2], found 4"));
  CHECK(contains(write("a", floats({-1}, {})), "cannot be written: a: "));
}

}  // namespace
}  // namespace tare
