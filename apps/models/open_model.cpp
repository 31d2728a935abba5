#include <tare/apps/models/open_model.h>

#include <tare/apps/cli/names.h>
#include <tare/layers/layer_norm.h>
#include <tare/optim/training/evaluate.h>

#include <algorithm>

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

void check_norm(SavedModel& saved, const SavedModelOptions& options, bool needs_statistics) {
  const std::vector<BatchNorm*> norms = batch_norms(saved.model);
  const bool has_layer_norm = std::ranges::any_of(innermost_layers(saved.model), [](const Layer* layer) {
    return dynamic_cast<const LayerNorm*>(layer) != nullptr;
  });
  const bool by_layer = options.norm == Norm::layer;
  if (options.norm && (by_layer ? !has_layer_norm : norms.empty())) {
    throw UsageError("--norm: expected a model with {}, found {}", by_layer ? "LayerNorm" : "BatchNorm",
                     saved.model.describe());
  }
  const bool missing = std::ranges::any_of(norms, [](const BatchNorm* norm) { return norm->running_mean.hasNaN(); });
  if (missing && needs_statistics) {
    throw UsageError("{}: its BatchNorm has no running statistics: only tare eval --statistics batch, or again, works",
                     options.model);
  }
}

}  // namespace

SavedModel open_model(const SavedModelOptions& options, bool needs_statistics) {
  const Safetensors contents = read_safetensors(options.model);
  check_agrees(contents, "activation", kActivations, options.activation);
  check_agrees(contents, "pixels", kPixels, options.pixels);
  SavedModel saved = load_model(contents, options.model, {options.activation, options.pixels, options.norm});
  check_norm(saved, options, needs_statistics);
  if (options.pixels && !saved.form.columns.empty()) {
    throw UsageError("--pixels: expected only with a model of images, found one of a table of {} columns",
                     saved.inputs);
  }
  return saved;
}

}  // namespace TARE_NAMESPACE
