#include <tare/layers/files/model_file.h>

#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>
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
    std::memcpy(static_cast<void*>(&number), bytes.data() + sizeof(From) * static_cast<std::size_t>(i), sizeof(From));
    m.data()[i] = static_cast<real>(number);
  }
  return m;
}

Buffer converted(const TensorData& data, Index rows, Index cols) {
  switch (data.dtype) {
    case Dtype::F32:
      return converted<float>(data.bytes, rows, cols);
    case Dtype::F16:
      return converted<Eigen::half>(data.bytes, rows, cols);
    case Dtype::BF16:
      return converted<Eigen::bfloat16>(data.bytes, rows, cols);
    default:
      return converted<double>(data.bytes, rows, cols);
  }
}

// The numbers of `found`, if they can be what is expected. `where` names the file, or nothing, and the tensor.
Found decode(const StateTensor& expected, const TensorData& found, const std::string& where) {
  if (found.shape != expected.shape) {
    throw Error("{}: expected the shape {}, found {}", where, shape_text(expected.shape), shape_text(found.shape));
  }
  const auto* matrix = std::get_if<MatrixMap>(&expected.data);
  if ((matrix == nullptr) != (found.dtype == Dtype::I64)) {
    const char* numbers = "F64, F32, F16 or BF16";
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
  return converted(found, matrix->rows(), matrix->cols());
}

// A few of the names, in one line.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    text += fmt::format("{}{:.60}", i == 0 ? "" : ", ", names[i]);
  }
  return names.size() > kMost ? text + fmt::format(" and {} more", names.size() - kMost) : text;
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

// As it stands in a message.
std::string in_quotes(std::string_view name) { return fmt::format("\"{:.60}\"", name); }

// The position that the name begins with, and what stands behind it: 3 and "weight" of "3.weight".
std::optional<std::pair<std::size_t, std::string_view>> split(std::string_view name) {
  std::size_t position = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, position);
  if (error != std::errc() || rest == end || *rest != '.') return std::nullopt;
  return std::pair(position, std::string_view(rest + 1, static_cast<std::size_t>(end - rest - 1)));
}

// What stands before the positions: "net." if a module calls its nn.Sequential so, "module." of DataParallel.
std::string prefix_of(const Safetensors& contents) {
  if (contents.tensors.empty()) return "";
  const std::string_view name = contents.tensors.begin()->first;
  std::size_t begin = 0;
  while (!split(name.substr(begin))) {
    const std::size_t dot = name.find('.', begin);
    if (dot == name.npos) return "";
    begin = dot + 1;
  }
  return std::string(name.substr(0, begin));
}

[[noreturn]] void throw_no_sequential(const std::string& name, const std::string& file) {
  throw Error(
      "{}: expected tensors named as in an nn.Sequential (\"0.weight\"), found {}: save the layers in their order, "
      "with the activations between them, as one nn.Sequential",
      file, in_quotes(name));
}

// By their positions in a Sequential, whose own place is `prefix` ("3."): what stands behind "3.0." in their names.
std::map<std::size_t, Tensors> positions(const Tensors& tensors, const std::string& prefix, const std::string& file) {
  std::map<std::size_t, Tensors> found;
  for (const auto& [name, tensor] : tensors) {
    const auto parts = split(name);
    if (!parts) throw_no_sequential(prefix + name, file);
    found[parts->first][std::string(parts->second)] = tensor;
  }
  return found;
}

// Builds the layers of a model from the shapes of their tensors.
class Builder {
 public:
  Builder(const Safetensors& contents, Activation activation, std::optional<Norm> norm, const std::string& file)
      : file_(file),
        prefix_(prefix_of(contents)),
        activation_(activation),
        norm_(norm),
        residual_(contents.metadata.contains("residual")) {
    const auto network = contents.metadata.find("network");
    if (network != contents.metadata.end() && network->second.find("LayerNorm(") != std::string::npos) {
      norm_ = Norm::layer;
    }
  }

  Sequential build(const Safetensors& contents) {
    Tensors tensors;
    for (const auto& [name, tensor] : contents.tensors) {
      if (!name.starts_with(prefix_)) throw_no_sequential(name, file_);
      tensors[name.substr(prefix_.size())] = &tensor;
    }
    Sequential model;
    add_layers(model, tensors, prefix_, residual_);
    if (!linear_) throw Error("{}: expected a Linear, found none", file_);
    return model;
  }

  /// Running statistics that the file has not.
  const std::set<std::string>& missing() const { return missing_; }

 private:
  void add_layers(Sequential& model, const Tensors& tensors, const std::string& prefix, bool may_have_blocks) {
    for (const auto& [position, layer] : positions(tensors, prefix, file_)) {
      const std::string place = fmt::format("{}{}", prefix, position);
      const std::string& first = layer.begin()->first;
      const bool is_block = std::isdigit(static_cast<unsigned char>(first[0])) != 0;
      if (is_block && !may_have_blocks) throw_no_sequential(fmt::format("{}.{}", place, first), file_);
      fill_gap(model, position, place);
      if (is_block) {
        add_block(model.add(Residual()), layer, place);
      } else {
        add_layer(model, layer, place);
      }
    }
  }

  void add_block(Residual& block, const Tensors& tensors, const std::string& place) {
    Index in = features_;
    add_layers(block, tensors, place + ".", false);
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

  // Positions without tensors: a Flatten before all layers, an activation behind a Linear; then a dropout.
  void fill_gap(Sequential& model, std::size_t position, const std::string& place) {
    const bool in_front = features_ == 0, begins = model.size() == 0;
    const std::size_t gap = position - model.size();
    const std::size_t most = in_front ? 2 : begins || !linear_ ? 0 : activated_ ? 1 : 2;
    if (gap > most) throw Error("{}: {}.weight: expected a tensor at a position before it", file_, place);
    if (gap > 0 && in_front) model.add(Elementwise("Flatten", [](Var x) { return x; }));
    if (gap > 0 && !in_front && !activated_) add_activation(model);
    if (model.size() < position) model.add(Dropout(0, Random(0)));
  }

  void add_layer(Sequential& model, const Tensors& layer, const std::string& place) {
    const auto has = [&](const char* key) { return layer.contains(key); };
    const bool has_statistics = has("running_mean") || has("running_var") || has("num_batches_tracked");
    const bool not_affine = has_statistics && !has("weight") && !has("bias");  // a BatchNorm
    const std::string key = not_affine ? "running_mean" : "weight", name = fmt::format("{}.{}", place, key);
    if (!layer.contains(key)) {
      throw Error("{}: {}: missing, found {}", file_, name, in_quotes(place + "." + layer.begin()->first));
    }
    const std::vector<std::int64_t>& shape = layer.at(key)->shape;
    const bool is_linear = shape.size() == 2 && !not_affine, may_be_first = is_linear || has_statistics;
    const auto out = static_cast<Index>(shape.empty() ? 0 : shape.front());
    const auto in = static_cast<Index>(shape.empty() ? 0 : shape.back());
    if ((shape.size() != 1 && !is_linear) || in < 1 || out < 1 || (features_ == 0 && !may_be_first)) {
      throw Error("{}: {}: expected the {}, found the shape {}", file_, name,
                  not_affine ? "mean of a BatchNorm" : "weight of a Linear, or behind one of a BatchNorm or LayerNorm",
                  shape_text(shape));
    }
    if (features_ > 0 && in != features_) {
      throw Error("{}: {}: expected {} inputs, as many as the layer before puts out, found {}", file_, name, features_,
                  in);
    }
    if (is_linear) {
      add_linear(model, {.in = in, .out = out, .bias = has("bias")}, name);
    } else if (has_statistics) {
      model.add(BatchNorm({.features = in, .affine = !not_affine}));
    } else {
      add_norm(model, in, has("bias"), place);
    }
    features_ = out;
  }

  void add_linear(Sequential& model, const Linear::Options& options, const std::string& name) {
    if (linear_ && !activated_ && !prefix_.empty()) {
      throw Error(
          "{}: {}: expected a position for an activation before it, found none, as in an nn.ModuleList: save the "
          "layers with their activations as one nn.Sequential",
          file_, name);
    }
    model.add(Linear(options));
    linear_ = true;
    activated_ = false;
  }

  // Of a weight and a bias without running statistics.
  void add_norm(Sequential& model, Index features, bool has_bias, const std::string& place) {
    if (!has_bias) throw Error("{}: {}.bias: missing, found a weight alone, as of an RMSNorm", file_, place);
    if (!norm_ || norm_ == Norm::none) {
      throw Error(
          "{}: {}.weight: of a LayerNorm, or of a BatchNorm without running statistics, which the file does not say: "
          "tare eval and predict take --norm layer or --norm batch",
          file_, place);
    }
    if (norm_ == Norm::layer) {
      model.add(LayerNorm({.features = features}));
      return;
    }
    BatchNorm& norm = model.add(BatchNorm({.features = features}));
    for (Buffer* statistic : {&norm.running_mean, &norm.running_var}) {
      statistic->setConstant(std::numeric_limits<real>::quiet_NaN());  // so that nobody takes them for some
    }
    for (const char* statistic : {"running_mean", "running_var"}) missing_.insert(place + "." + statistic);
  }

  const std::string& file_;
  std::string prefix_;
  Activation activation_;
  std::optional<Norm> norm_;
  bool residual_;
  bool linear_ = false;     // whether there was one
  bool activated_ = false;  // since the last Linear
  Index features_ = 0;      // what the last layer puts out; 0: none
  std::set<std::string> missing_;
};

// The model's state under the names that the file has for it: behind a prefix, and later by up to two positions if a
// Flatten and a dropout stand in front. Without what may be missing in the file; PyTorch needs no count of batches.
std::vector<StateTensor> state_in(const Safetensors& contents, Layer& model,
                                  const std::set<std::string>& missing = {}) {
  const std::string prefix = prefix_of(contents);
  std::vector<std::vector<StateTensor>> tried;
  for (std::size_t in_front = 0; in_front <= 2; ++in_front) {
    std::vector<StateTensor>& state = tried.emplace_back();
    bool fits = true;
    for (StateTensor& tensor : model.state()) {
      if (const auto parts = split(tensor.name)) {
        tensor.name = fmt::format("{}{}.{}", prefix, parts->first + in_front, parts->second);
      }
      const bool found = contents.tensors.contains(tensor.name);
      if (!found && (tensor.name.ends_with(".num_batches_tracked") || missing.contains(tensor.name))) continue;
      fits = fits && found;
      state.push_back(tensor);
    }
    if (fits) return state;
  }
  return tried.front();
}

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
  for (const StateTensor& tensor : state) names.insert(tensor.name);
  std::vector<std::string> others;
  for (const auto& [name, tensor] : contents.tensors) {
    if (!names.contains(name)) others.push_back(name);
  }
  for (const StateTensor& tensor : state) {
    if (contents.tensors.contains(tensor.name)) continue;
    throw Error("{}: {}: expected by {}, missing in the file{}{}", file, tensor.name, owner,
                others.empty() ? "" : ", which has ", listed(others));
  }
  if (!others.empty()) throw Error("{}: {}: in the file, but not in {}", file, listed(others), owner);
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
  load_state(state_in(contents, model), "the model " + model.describe(), contents, file);
}

Sequential build_model(const Safetensors& contents, Activation activation, const std::string& file,
                       std::optional<Norm> norm) {
  if (contents.tensors.empty()) throw Error("{}: has no tensors", file);
  Builder builder(contents, activation, norm, file);
  Sequential model = builder.build(contents);
  load_state(state_in(contents, model, builder.missing()), "the model " + model.describe(), contents, file);
  return model;
}

}  // namespace TARE_NAMESPACE
