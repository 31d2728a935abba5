// tare fold: folds the BatchNorms of a saved model into its Linears, or drops the biases that they cancel.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/models/commands.h>
#include <tare/layers/files/model_file.h>
#include <tare/layers/fold.h>

namespace TARE_NAMESPACE {

int run_fold(const FoldOptions& options, const Safetensors& contents) {
  check_distinct({{"OUT", options.out}}, {});  // (IN may be replaced.)
  // The activation changes nothing here; a file that does not name it stays one that does not.
  const auto named = contents.metadata.find("activation");
  const bool is_named = named != contents.metadata.end();
  const auto activation =
      is_named ? activation_named(named->second, options.in + ": metadata \"activation\"") : Activation::relu;
  const Sequential model = build_model(contents, activation, options.in);

  Sequential result;
  try {
    result = options.drop_bias ? drop_cancelled_biases(model) : fold_batch_norm(model);
  } catch (const Error& error) {
    throw Error("{}: {}", options.in, error.what());
  }
  Safetensors out = state_tensors(result);
  out.metadata = contents.metadata;
  if (is_named) out.metadata["network"] = result.describe();
  write_safetensors(options.out, out);

  Progress progress(options.quiet);
  const auto say = [&](const std::string& file, const Sequential& network) {
    progress.line("{}: {}", file, network.describe());
  };
  say(options.in, model);
  say(options.out, result);
  return 0;
}

}  // namespace TARE_NAMESPACE
