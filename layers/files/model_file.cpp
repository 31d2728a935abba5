#include <tare/layers/files/model_file.h>

#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>

#include <fmt/ranges.h>

#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <set>

namespace TARE_NAMESPACE {
namespace {

constexpr Dtype kReal = sizeof(real) == 4 ? Dtype::F32 : Dtype::F64;

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

// Whoever writes a layer says both the shape and where the numbers are.
void check_size(const std::vector<std::int64_t>& shape, Index size, const std::string& where) {
  Index product = 1;
  for (const Index n : shape) product *= n;
  if (product != size) throw Error("{}: expected the shape of {} numbers, found {}", where, size, shape_text(shape));
}

using Found = std::variant<Buffer, std::int64_t, std::uint64_t>;

template <class From>
Buffer converted(const std::vector<std::byte>& bytes, Index rows, Index cols) {
  Buffer m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) {
    From number;
    std::memcpy(&number, bytes.data() + sizeof(From) * static_cast<std::size_t>(i), sizeof(From));
    m.data()[i] = static_cast<real>(number);
  }
  return m;
}

// The numbers of `found`, if they can be what is expected. `where` names the file, or nothing, and the tensor.
Found decode(const StateTensor& expected, const TensorData& found, const std::string& where) {
  if (found.shape != expected.shape) {
    throw Error("{}: expected the shape {}, found {}", where, shape_text(expected.shape), shape_text(found.shape));
  }
  const auto* matrix = std::get_if<MatrixMap>(&expected.data);
  if ((matrix == nullptr) != (found.dtype == Dtype::I64)) {
    const char* numbers = "F32 or F64";
    throw Error("{}: expected {}, found {}", where, matrix == nullptr ? "I64" : numbers,
                matrix == nullptr ? numbers : "I64");
  }
  if (matrix == nullptr) {
    std::int64_t number;
    std::memcpy(&number, found.bytes.data(), sizeof(number));
    if (std::holds_alternative<std::int64_t*>(expected.data)) return number;
    return std::bit_cast<std::uint64_t>(number);
  }
  check_size(expected.shape, matrix->size(), where);
  const auto convert = found.dtype == Dtype::F32 ? converted<float> : converted<double>;
  return convert(found.bytes, matrix->rows(), matrix->cols());
}

// What both a file that is read and one that is written must fulfil.
void check_numbers(const View& numbers, Values values, const std::string& where) {
  if (values == Values::any || numbers.size() == 0) return;
  if (!numbers.allFinite()) throw Error("{}: expected finite numbers, found others", where);
  if (values == Values::finite_not_negative && numbers.minCoeff() < 0) {
    throw Error("{}: expected numbers of at least 0, found {}", where, numbers.minCoeff());
  }
}

void check_count(std::int64_t count, const std::string& where) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;  // counting on does not overflow
  if (count < 0 || count > kMost) throw Error("{}: expected a count from 0 to 2^53, found {}", where, count);
}

using Tensors = std::map<std::string, const TensorData*>;

// By their positions in a Sequential, whose own place is `prefix` ("3."): what stands behind "3.0." in their names.
std::map<std::size_t, Tensors> positions(const Tensors& tensors, const std::string& prefix, const std::string& file) {
  std::map<std::size_t, Tensors> found;
  for (const auto& [name, tensor] : tensors) {
    std::size_t position = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), position);
    if (error != std::errc() || *rest != '.') {
      throw Error("{}: expected tensors named as in an nn.Sequential (\"0.weight\"), found \"{}{}\"", file, prefix,
                  name);
    }
    found[position][rest + 1] = tensor;
  }
  return found;
}

// Builds the layers of a model from the shapes of their tensors.
class Builder {
 public:
  Builder(const Safetensors& contents, Activation activation, const std::string& file)
      : file_(file), activation_(activation), residual_(contents.metadata.contains("residual")) {}

  void add_layers(Sequential& model, const Tensors& tensors, const std::string& prefix) {
    for (const auto& [position, layer] : positions(tensors, prefix, file_)) {
      const std::string place = fmt::format("{}{}", prefix, position);
      const bool is_block =
          residual_ && prefix.empty() && std::isdigit(static_cast<unsigned char>(layer.begin()->first[0])) != 0;
      fill_gap(model, position, place);
      if (is_block) {
        add_block(model.add(Residual()), layer, place);
      } else {
        add_layer(model, layer, place);
      }
    }
  }

 private:
  void add_block(Residual& block, const Tensors& tensors, const std::string& place) {
    Index in = features_;
    add_layers(block, tensors, place + ".");
    if (!activated_) add_activation(block);
    if (const auto* first = dynamic_cast<const Linear*>(&block[0])) in = first->weight.value.cols();
    if (features_ != in) {
      throw Error("{}: {}: expected a block that puts out as many numbers as it takes, {}, found {}", file_, place, in,
                  features_);
    }
  }

  void add_activation(Sequential& model) {
    model.add(activation_layer(activation_));
    activated_ = true;
  }

  // Positions without tensors: an activation, a dropout.
  void fill_gap(Sequential& model, std::size_t position, const std::string& place) {
    const std::size_t gap = position - model.size(), most = model.size() == 0 ? 0 : activated_ ? 1 : 2;
    if (gap > most) throw Error("{}: {}.weight: expected a tensor at a position before it", file_, place);
    if (gap > 0 && !activated_) add_activation(model);
    if (model.size() < position) model.add(Dropout(0, Random(0)));
  }

  void add_layer(Sequential& model, const Tensors& layer, const std::string& place) {
    const bool has_statistics = layer.contains("running_mean");
    const bool not_affine = has_statistics && !layer.contains("weight") && !layer.contains("bias");  // a BatchNorm
    const std::string key = not_affine ? "running_mean" : "weight", name = fmt::format("{}.{}", place, key);
    if (!layer.contains(key)) throw Error("{}: {}: missing", file_, name);
    const std::vector<std::int64_t>& shape = layer.at(key)->shape;
    const bool is_linear = shape.size() == 2 && !not_affine;
    const Index in = shape.empty() ? 0 : shape.back();
    if ((shape.size() != 1 && !is_linear) || in < 1 || shape[0] < 1 || (features_ == 0 && !is_linear)) {
      throw Error("{}: {}: expected the {}, found the shape {}", file_, name,
                  not_affine ? "mean of a BatchNorm behind a Linear" : "weight of a Linear, BatchNorm or LayerNorm",
                  shape_text(shape));
    }
    if (features_ > 0 && in != features_) {
      throw Error("{}: {}: expected {} inputs, as many as the layer before puts out, found {}", file_, name, features_,
                  in);
    }
    features_ = shape[0];
    if (is_linear) {
      model.add(Linear({.in = in, .out = features_, .bias = layer.contains("bias")}));
      activated_ = false;
    } else if (has_statistics) {
      model.add(BatchNorm({.features = features_, .affine = !not_affine}));
    } else {
      model.add(LayerNorm({.features = features_}));
    }
  }

  const std::string& file_;
  Activation activation_;
  bool residual_;
  bool activated_ = false;  // since the last Linear
  Index features_ = 0;      // what the last layer puts out; 0: none
};

}  // namespace

Safetensors state_tensors(const std::vector<ConstStateTensor>& state) {
  Safetensors contents;
  const auto add = [&](const ConstStateTensor& tensor, Dtype dtype, const void* numbers, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(numbers);
    TensorData data{dtype, tensor.shape, {bytes, bytes + size}};
    if (!contents.tensors.emplace(tensor.name, std::move(data)).second) {
      throw Error("{}: expected one tensor of this name, found two", tensor.name);
    }
  };
  for (const ConstStateTensor& tensor : state) {
    if (const auto* count = std::get_if<const std::int64_t*>(&tensor.data)) {
      check_count(**count, tensor.name);
      add(tensor, Dtype::I64, *count, sizeof(**count));
    } else if (const auto* bits = std::get_if<const std::uint64_t*>(&tensor.data)) {
      add(tensor, Dtype::I64, *bits, sizeof(**bits));
    } else {
      const View& numbers = std::get<View>(tensor.data);
      check_size(tensor.shape, numbers.size(), tensor.name);
      check_numbers(numbers, tensor.values, tensor.name);
      add(tensor, kReal, numbers.data(), sizeof(real) * static_cast<std::size_t>(numbers.size()));
    }
  }
  return contents;
}

Safetensors state_tensors(const Layer& model) { return state_tensors(state_of(model)); }

void load_state(const std::vector<StateTensor>& state, const std::string& owner, const Safetensors& contents,
                const std::string& file) {
  std::set<std::string> names;
  for (const StateTensor& tensor : state) {
    if (!contents.tensors.contains(tensor.name)) {
      throw Error("{}: {}: expected by {}, missing in the file", file, tensor.name, owner);
    }
    names.insert(tensor.name);
  }
  for (const auto& [name, tensor] : contents.tensors) {
    if (!names.contains(name)) throw Error("{}: {}: in the file, but not in {}", file, name, owner);
  }
  // All is checked before anything is copied.
  std::vector<Found> found;
  for (const StateTensor& tensor : state) {
    const std::string where = fmt::format("{}: {}", file, tensor.name);
    found.push_back(decode(tensor, contents.tensors.at(tensor.name), where));
    if (const auto* m = std::get_if<Buffer>(&found.back())) check_numbers(*m, tensor.values, where);
    if (const auto* count = std::get_if<std::int64_t>(&found.back())) check_count(*count, where);
  }
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (const auto* m = std::get_if<MatrixMap>(&state[i].data)) {
      MatrixMap to = *m;
      to = std::get<Buffer>(found[i]);
    } else if (const auto* count = std::get_if<std::int64_t*>(&state[i].data)) {
      **count = std::get<std::int64_t>(found[i]);
    } else {
      *std::get<std::uint64_t*>(state[i].data) = std::get<std::uint64_t>(found[i]);
    }
  }
}

void load_state(Layer& model, const Safetensors& contents, const std::string& file) {
  load_state(model.state(), "the model " + model.describe(), contents, file);
}

Sequential build_model(const Safetensors& contents, Activation activation, const std::string& file) {
  if (contents.tensors.empty()) throw Error("{}: has no tensors", file);
  Tensors tensors;
  for (const auto& [name, tensor] : contents.tensors) tensors[name] = &tensor;
  Sequential model;
  Builder(contents, activation, file).add_layers(model, tensors, "");
  load_state(model, contents, file);
  return model;
}

}  // namespace TARE_NAMESPACE
