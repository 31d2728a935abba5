#include <tare/apps/train/epoch_table.h>

#include <tare/apps/cli/progress.h>

namespace tare {
namespace {

std::string loss_text(double loss) { return loss < 1000 ? fmt::format("{:.4f}", loss) : fmt::format("{:.3g}", loss); }

// Also of what was not evaluated here.
std::string cells(const std::optional<Scores>& scores) {
  if (!scores) return fmt::format("  {:>10}  {:>8}", "-", "-");
  return fmt::format("  {:>10}  {:>6.2f} %", loss_text(scores->loss), 100 * scores->accuracy);
}

}  // namespace

std::string EpochTable::header() const {
  std::string text = fmt::format("{:>7}", by_step_ ? "step" : "epoch");
  const auto add = [&](const char* loss) { text += fmt::format("  {:>10}  {:>8}", loss, "accuracy"); };
  add("train loss");
  if (has_test_) add("test loss");
  if (has_validation_) add("valid loss");
  return text + fmt::format("  {:>6}", "time");
}

std::string EpochTable::row(const StepScores& s, double seconds) const {
  const std::string epoch = epochs_ < 1000 ? fmt::format("{}/{}", s.epoch, epochs_) : fmt::format("{}", s.epoch);
  std::string text = fmt::format("{:>7}", by_step_ ? grouped(s.step) : epoch) + cells(s.epoch_mean);
  if (has_test_) text += cells(s.test);
  if (has_validation_) text += cells(s.validation);
  return text + fmt::format("  {:>6}", duration(seconds));
}

}  // namespace tare
