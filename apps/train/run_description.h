// What a checkpoint says about its run besides the numbers: the options, the data, where its CSV files ended, and the
// curves that it will draw. It stands in the metadata of the file, as text.
#pragma once

#include <tare/apps/train/curves.h>
#include <tare/apps/train/log_file.h>
#include <tare/datasets/images.h>

#include <map>
#include <optional>
#include <string>

namespace tare {

struct RunDescription {
  std::map<std::string, std::string> options;  // "--lr": "0.05"; a flag has no text
  std::string data;                            // digest_of the data set
  std::optional<LogPosition> log, layers;
  std::optional<Curves> curves;  // for the plot
};

/// Whether a text is UTF-8, which is all that JSON and safetensors can hold.
bool is_utf8(const std::string& text);

/// Error, naming the option, if a text is not UTF-8.
std::map<std::string, std::string> to_metadata(const RunDescription& run);
/// Error, naming the file, unless the metadata is that of a checkpoint.
RunDescription from_metadata(const std::map<std::string, std::string>& metadata, const std::string& file);

/// Of all images and labels, wherever they lie.
std::string digest_of(const DataSet& data);

}  // namespace tare
