#include <tare/optim/training/saved_model.h>

#include <tare/layers/files/model_file.h>
#include <tare/layers/linear.h>

#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

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

std::string to_text(const DataForm& form) {
  nlohmann::json json;
  json["classes"] = form.class_names;
  if (!form.columns.empty()) {
    nlohmann::json names, means, deviations;
    for (const Column& column : form.columns) {
      names.push_back(column.name);
      means.push_back(column.mean);
      deviations.push_back(column.deviation);
    }
    json["columns"] = {{"name", names}, {"mean", means}, {"deviation", deviations}};
  }
  if (form.rows > 0) json["size"] = {form.rows, form.cols};
  if (!form.digest.empty()) json["digest"] = form.digest;
  if (!form.digest.empty() && !form.own_test) json["seed"] = form.seed;
  return json.dump();
}

// Error unless it is what to_text makes of a model with so many inputs and outputs.
DataForm form_of(const std::string& text, Index inputs, Index outputs, const std::string& file) {
  DataForm form;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    json.at("classes").get_to(form.class_names);
    if (json.contains("columns")) {
      const nlohmann::json& columns = json.at("columns");
      const auto names = columns.at("name").get<std::vector<std::string>>();
      const auto means = columns.at("mean").get<std::vector<double>>();
      const auto deviations = columns.at("deviation").get<std::vector<double>>();
      for (std::size_t c = 0; c < names.size(); ++c) form.columns.push_back({names[c], means.at(c), deviations.at(c)});
    }
    if (json.contains("size")) {
      json.at("size").at(0).get_to(form.rows);
      json.at("size").at(1).get_to(form.cols);
    }
    form.digest = json.value("digest", "");
    form.own_test = !json.contains("seed");
    form.seed = json.value("seed", form.seed);
  } catch (const std::exception& error) {
    throw Error("{}: metadata \"data\": {}", file, error.what());
  }
  const auto check_count = [&](const char* what, Index expected, Index found) {
    if (found != expected) {
      throw Error("{}: metadata \"data\": expected {} {}, as the network has, found {}", file, expected, what, found);
    }
  };
  if (!form.class_names.empty()) check_count("classes", outputs, std::ssize(form.class_names));
  if (!form.columns.empty()) check_count("columns", inputs, std::ssize(form.columns));
  if (form.rows != 0 || form.cols != 0) {
    const bool fits = form.rows > 0 && form.cols > 0 && form.rows <= inputs && form.cols <= inputs;
    check_count("pixels", inputs, fits ? form.rows * form.cols : 0);
  }
  for (const Column& c : form.columns) {
    if (!std::isfinite(c.mean) || !std::isfinite(c.deviation) || c.deviation <= 0) {
      throw Error("{}: metadata \"data\": column \"{}\": expected a mean and a deviation above 0, found {} and {}",
                  file, c.name, c.mean, c.deviation);
    }
  }
  return form;
}

}  // namespace

void save_model(const std::filesystem::path& file, const Sequential& model, Activation activation, Pixels pixels,
                const DataForm& form) {
  Safetensors contents = state_tensors(model);
  contents.metadata = {{"format", "pt"},
                       {"activation", name_in(kActivationNames, activation)},
                       {"pixels", name_in(kPixelsNames, pixels)},
                       {"network", model.describe()}};
  if (!form.columns.empty()) contents.metadata.erase("pixels");
  if (!form.class_names.empty() || !form.columns.empty()) contents.metadata["data"] = to_text(form);
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
  SavedModel saved{build_model(contents, activation, file, settings.norm), activation, pixels, 0, 0, {}};
  for (const Layer* layer : innermost_layers(saved.model)) {
    if (const auto* linear = dynamic_cast<const Linear*>(layer)) {
      if (saved.inputs == 0) saved.inputs = linear->weight.value.cols();
      saved.outputs = linear->weight.value.rows();
    }
  }
  const auto data = contents.metadata.find("data");
  if (data != contents.metadata.end()) saved.form = form_of(data->second, saved.inputs, saved.outputs, file);
  return saved;
}

}  // namespace TARE_NAMESPACE
