#include "layers/files/model_file.h"

#include "layers/layer_norm.h"
#include "layers/linear.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <set>

namespace TARE_NAMESPACE {
namespace {

constexpr Dtype kReal = sizeof(real) == 4 ? Dtype::F32 : Dtype::F64;

std::string shape_text(const std::vector<Index>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

template <class From>
void convert(const std::vector<std::byte>& bytes, MatrixMap to) {
  for (Index i = 0; i < to.size(); ++i) {
    From number;
    std::memcpy(&number, bytes.data() + sizeof(From) * static_cast<std::size_t>(i), sizeof(From));
    to.data()[i] = static_cast<real>(number);
  }
}

void check(const StateTensor& expected, const TensorData& found, const std::string& file) {
  if (found.shape != expected.shape) {
    throw Error("{}: {}: expected the shape {}, found {}", file, expected.name, shape_text(expected.shape),
                shape_text(found.shape));
  }
  const bool is_count = std::holds_alternative<std::int64_t*>(expected.data);
  if (is_count != (found.dtype == Dtype::I64)) {
    const char* numbers = "F32 or F64";
    throw Error("{}: {}: expected {}, found {}", file, expected.name, is_count ? "I64" : numbers,
                is_count ? numbers : "I64");
  }
}

// What the tensors at one position of the Sequential say about its layer.
struct Position {
  std::map<std::string, const TensorData*> tensors;

  bool has(const char* name) const { return tensors.contains(name); }
};

std::map<std::size_t, Position> positions(const Safetensors& contents, const std::string& file) {
  std::map<std::size_t, Position> found;
  for (const auto& [name, tensor] : contents.tensors) {
    std::size_t position = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), position);
    if (error != std::errc() || *rest != '.') {
      throw Error("{}: expected tensors named as in an nn.Sequential (\"0.weight\"), found \"{}\"", file, name);
    }
    found[position].tensors[rest + 1] = &tensor;
  }
  return found;
}

}  // namespace

Safetensors state_tensors(const std::vector<StateTensor>& state) {
  Safetensors contents;
  for (const StateTensor& tensor : state) {
    TensorData& data = contents.tensors[tensor.name];
    data.shape = tensor.shape;
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      data.dtype = Dtype::I64;
      const auto* bytes = reinterpret_cast<const std::byte*>(*count);
      data.bytes.assign(bytes, bytes + sizeof(std::int64_t));
    } else {
      const MatrixMap& numbers = std::get<MatrixMap>(tensor.data);
      data.dtype = kReal;
      const auto* bytes = reinterpret_cast<const std::byte*>(numbers.data());
      data.bytes.assign(bytes, bytes + sizeof(real) * static_cast<std::size_t>(numbers.size()));
    }
  }
  return contents;
}

Safetensors state_tensors(Sequential& model) { return state_tensors(model.state()); }

void load_state(const std::vector<StateTensor>& state, const std::string& owner, const Safetensors& contents,
                const std::string& file) {
  std::set<std::string> names;
  for (const StateTensor& tensor : state) {
    const auto found = contents.tensors.find(tensor.name);
    if (found == contents.tensors.end()) {
      throw Error("{}: {}: expected by {}, missing in the file", file, tensor.name, owner);
    }
    check(tensor, found->second, file);
    names.insert(tensor.name);
  }
  for (const auto& [name, tensor] : contents.tensors) {
    if (!names.contains(name)) throw Error("{}: {}: in the file, but not in {}", file, name, owner);
  }
  for (const StateTensor& tensor : state) {
    const TensorData& found = contents.tensors.at(tensor.name);
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      std::memcpy(*count, found.bytes.data(), sizeof(std::int64_t));
    } else if (found.dtype == Dtype::F32) {
      convert<float>(found.bytes, std::get<MatrixMap>(tensor.data));
    } else {
      convert<double>(found.bytes, std::get<MatrixMap>(tensor.data));
    }
  }
}

void load_state(Sequential& model, const Safetensors& contents, const std::string& file) {
  load_state(model.state(), "the model " + model.describe(), contents, file);
  check_counts(model.state(), "", file);
  for (const StateTensor& tensor : model.state()) {
    const auto* numbers = std::get_if<MatrixMap>(&tensor.data);
    if (numbers == nullptr) continue;
    if (!numbers->allFinite()) throw Error("{}: {}: expected finite numbers, found others", file, tensor.name);
    if (tensor.name.ends_with(".running_var") && numbers->minCoeff() < 0) {
      throw Error("{}: {}: expected variances, found {}", file, tensor.name, numbers->minCoeff());
    }
  }
}

void check_counts(const std::vector<StateTensor>& state, const std::string& prefix, const std::string& file) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  for (const StateTensor& tensor : state) {
    const auto* count = std::get_if<std::int64_t*>(&tensor.data);
    if (count == nullptr || (**count >= 0 && **count <= kMost)) continue;
    throw Error("{}: {}{}: expected a count from 0 to 2^53, found {}", file, prefix, tensor.name, **count);
  }
}

Sequential build_model(const Safetensors& contents, Activation activation, const std::string& file) {
  Sequential model;
  Index features = 0;  // what the last layer puts out
  for (const auto& [position, layer] : positions(contents, file)) {
    const std::string weight_name = fmt::format("{}.weight", position);
    if (!layer.has("weight")) throw Error("{}: {}: missing", file, weight_name);
    const std::vector<Index>& shape = layer.tensors.at("weight")->shape;
    const std::size_t gap = position - model.size();
    if (model.size() == 0 ? gap > 0 : gap > 2) {
      throw Error("{}: {}: expected a tensor at a position before it", file, weight_name);
    }
    if (gap >= 1) add_activation(model, activation);
    if (gap == 2) model.add(Dropout(0, Random(0, Random::Stream::dropout)));

    const bool is_linear = shape.size() == 2;
    const Index in = shape.empty() ? 0 : shape.back();
    if (shape.empty() || shape.size() > 2 || in < 1 || shape[0] < 1 || (model.size() == 0 && !is_linear)) {
      throw Error("{}: {}: expected the weight of a Linear, BatchNorm or LayerNorm, found the shape {}", file,
                  weight_name, shape_text(shape));
    }
    if (model.size() > 0 && in != features) {
      throw Error("{}: {}: expected {} inputs, as many as the layer before puts out, found {}", file, weight_name,
                  features, in);
    }
    features = shape[0];
    if (is_linear) {
      model.add(Linear({.in = in, .out = features, .bias = layer.has("bias")}));
    } else if (layer.has("running_mean")) {
      model.add(BatchNorm({.features = features}));
    } else {
      model.add(LayerNorm({.features = features}));
    }
  }
  if (model.size() == 0) throw Error("{}: has no tensors", file);
  load_state(model, contents, file);
  return model;
}

}  // namespace TARE_NAMESPACE
