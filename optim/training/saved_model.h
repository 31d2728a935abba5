// A saved model ready to be used: its network, how its inputs are scaled, and what its outputs are called.
#pragma once

#include <tare/datasets/batches.h>
#include <tare/layers/files/safetensors.h>
#include <tare/layers/mlp.h>

#include <filesystem>
#include <optional>

namespace TARE_NAMESPACE {

struct SavedModel {
  Sequential model;
  Activation activation;
  Pixels pixels;
  Index inputs, outputs;
  DataForm form;
};

/// What a file from elsewhere does not say about its model: relu and standard unless given. `norm`, layer or batch, is
/// what a weight and a bias without running statistics are (layers/files/model_file.h); without it they are an Error.
struct SavedModelSettings {
  std::optional<Activation> activation = {};
  std::optional<Pixels> pixels = {};
  std::optional<Norm> norm = {};
};

/// Writes the model, atomically, with what load_model must know. Error, naming the file or the tensor, if a number is not
/// finite or the file cannot be written. The form of the data (DataSet::form) is needed for tables, which have no pixels,
/// and for classes that have names.
void save_model(const std::filesystem::path& file, const Sequential& model, Activation activation, Pixels pixels,
                const DataForm& form = {});

/// Builds the network that the file describes (layers/files/model_file.h) and loads it. Error, naming the file, if it is
/// no such model, or if it says something else than the settings. A model of layers of one's own is built by the program
/// and loaded by load_state instead.
SavedModel load_model(const std::filesystem::path& file, const SavedModelSettings& settings = {});
/// The same of contents that were read already.
SavedModel load_model(const Safetensors& contents, const std::string& file, const SavedModelSettings& settings = {});

}  // namespace TARE_NAMESPACE
