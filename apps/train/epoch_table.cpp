#include <tare/apps/train/epoch_table.h>

#include <tare/apps/cli/progress.h>

#include <cstring>
#include <utility>

namespace tare {
namespace {

std::string loss_text(double loss) { return loss < 1000 ? fmt::format("{:.4f}", loss) : fmt::format("{:.3g}", loss); }

// The columns of the losses; an accuracy stands behind each.
constexpr const char *kTrain = "train loss", *kTest = "test loss", *kValidation = "val loss";

// Also of what was not evaluated here.
std::string cells(const char* column, const std::optional<Scores>& scores) {
  const std::size_t width = std::strlen(column);
  if (!scores) return fmt::format("  {:>{}}  {:>8}", "-", width, "-");
  return fmt::format("  {:>{}}  {:>6.2f} %", loss_text(scores->loss), width, 100 * scores->accuracy);
}

}  // namespace

std::string EpochTable::header() const {
  std::string text = fmt::format("{:>7}", by_step_ ? "step" : "epoch");
  for (const auto& [column, shown] : {std::pair(kTrain, true), {kTest, has_test_}, {kValidation, has_validation_}}) {
    if (shown) text += fmt::format("  {}  accuracy", column);
  }
  return text + fmt::format("  {:>7}", "time");
}

std::string EpochTable::row(const StepScores& s, double seconds) const {
  const std::string epoch = epochs_ < 1000 ? fmt::format("{}/{}", s.epoch, epochs_) : fmt::format("{}", s.epoch);
  std::string text = fmt::format("{:>7}", by_step_ ? grouped(s.step) : epoch) + cells(kTrain, s.epoch_mean);
  if (has_test_) text += cells(kTest, s.test);
  if (has_validation_) text += cells(kValidation, s.validation);
  return text + fmt::format("  {:>7}", duration(seconds));
}

}  // namespace tare
