// The table that grows on the screen while a network trains: a row wherever it is evaluated, at most 80 columns wide.
#pragma once

#include <tare/apps/train/curves.h>

#include <string>

namespace tare {

class EpochTable {
 public:
  /// A row is named after its epoch, or after its step where there are rows within epochs.
  EpochTable(std::int64_t epochs, bool by_step, bool has_test, bool has_validation)
      : epochs_(epochs), by_step_(by_step), has_test_(has_test), has_validation_(has_validation) {}

  std::string header() const;
  /// `seconds` of training so far.
  std::string row(const StepScores& scores, double seconds) const;

 private:
  std::int64_t epochs_;
  bool by_step_, has_test_, has_validation_;
};

}  // namespace tare
