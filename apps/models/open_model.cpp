#include <tare/apps/models/open_model.h>

#include <tare/apps/cli/names.h>

namespace TARE_NAMESPACE {
namespace {

template <class T>
void check_agrees(const Safetensors& contents, const char* key, const Names<T>& names, const std::optional<T>& option) {
  const auto found = contents.metadata.find(key);
  if (!option || found == contents.metadata.end()) return;
  for (const auto& [name, value] : names) {
    if (found->second != name || value == *option) continue;
    throw UsageError("--{}: the model was trained with {}, found {}", key, name, name_of(*option));
  }
}

}  // namespace

SavedModel open_model(const SavedModelOptions& options) {
  const Safetensors contents = read_safetensors(options.model);
  check_agrees(contents, "activation", kActivations, options.activation);
  check_agrees(contents, "pixels", kPixels, options.pixels);
  SavedModel saved = load_model(contents, options.model, {options.activation, options.pixels});
  if (options.pixels && !saved.form.columns.empty()) {
    throw UsageError("--pixels: expected only with a model of images, found one of a table of {} columns",
                     saved.inputs);
  }
  return saved;
}

}  // namespace TARE_NAMESPACE
