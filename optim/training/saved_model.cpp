#include <tare/optim/training/saved_model.h>

#include <tare/layers/files/model_file.h>
#include <tare/layers/linear.h>

#include <fmt/ranges.h>

namespace TARE_NAMESPACE {
namespace {

template <class Names, class T>
const char* name_in(const Names& names, T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "";
}

// What the file says, else what the settings say, else the default; Error if the first two contradict each other.
template <class Names, class T>
T setting(const Safetensors& contents, const char* key, const Names& names, const std::optional<T>& given, T standard,
          const std::string& file) {
  const auto found = contents.metadata.find(key);
  if (found == contents.metadata.end()) return given.value_or(standard);
  std::vector<const char*> known;
  for (const auto& [name, value] : names) {
    known.push_back(name);
    if (found->second != name) continue;
    if (given && *given != value) {
      throw Error("{}: {}: the model was trained with {}, found {}", file, key, name, name_in(names, *given));
    }
    return value;
  }
  throw Error("{}: metadata \"{}\": expected {}, found \"{}\"", file, key, fmt::join(known, ", "), found->second);
}

}  // namespace

void save_model(const std::filesystem::path& file, const Sequential& model, Activation activation, Pixels pixels) {
  Safetensors contents = state_tensors(model);
  contents.metadata = {{"format", "pt"},
                       {"activation", name_in(kActivationNames, activation)},
                       {"pixels", name_in(kPixelsNames, pixels)},
                       {"network", model.describe()}};
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (dynamic_cast<const Residual*>(&model[i]) != nullptr) contents.metadata["residual"] = "true";
  }
  write_safetensors(file, contents);
}

SavedModel load_model(const std::filesystem::path& file, const SavedModelSettings& settings) {
  return load_model(read_safetensors(file), file.string(), settings);
}

SavedModel load_model(const Safetensors& contents, const std::string& file, const SavedModelSettings& settings) {
  const auto activation =
      setting(contents, "activation", kActivationNames, settings.activation, Activation::relu, file);
  const auto pixels = setting(contents, "pixels", kPixelsNames, settings.pixels, Pixels::standard, file);
  SavedModel saved{build_model(contents, activation, file), activation, pixels, 0, 0};
  for (const Layer* layer : innermost_layers(saved.model)) {
    if (const auto* linear = dynamic_cast<const Linear*>(layer)) {
      if (saved.inputs == 0) saved.inputs = linear->weight.value.cols();
      saved.outputs = linear->weight.value.rows();
    }
  }
  return saved;
}

}  // namespace TARE_NAMESPACE
