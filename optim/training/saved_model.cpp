#include <tare/optim/training/saved_model.h>

#include <tare/layers/files/model_file.h>
#include <tare/layers/linear.h>

namespace TARE_NAMESPACE {
namespace {

// What the file says, else what the option says, else the default; Error if the first two contradict each other.
template <class T>
T setting(const Safetensors& contents, const char* key, const std::optional<T>& option, T standard,
          T (*named)(const std::string&, const std::string&), const std::string& file) {
  const auto found = contents.metadata.find(key);
  if (found == contents.metadata.end()) return option.value_or(standard);
  T in_file;
  try {
    in_file = named(found->second, fmt::format("{}: metadata \"{}\"", file, key));
  } catch (const UsageError& error) {
    throw Error("{}", error.what());  // the file's fault, not the user's
  }
  if (option && *option != in_file) {
    throw UsageError("--{}: the model was trained with {}, found {}", key, name_of(in_file), name_of(*option));
  }
  return in_file;
}

}  // namespace

SavedModel load_saved_model(const SavedModelOptions& options) {
  const Safetensors contents = read_safetensors(options.model);
  const auto activation =
      setting(contents, "activation", options.activation, Activation::relu, activation_named, options.model);
  const auto pixels = setting(contents, "pixels", options.pixels, Pixels::standard, pixels_named, options.model);
  Sequential model = build_model(contents, activation, options.model);
  Index inputs = 0, outputs = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (const auto* linear = dynamic_cast<const Linear*>(&model[i])) {
      if (i == 0) inputs = linear->weight.value.cols();
      outputs = linear->weight.value.rows();
    }
  }
  return {std::move(model), pixels, inputs, outputs};
}

}  // namespace TARE_NAMESPACE
