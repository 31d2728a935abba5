// tare cancel: a guided exhibit of why a bias before BatchNorm cancels, what BatchNorm's gradient is, and where nothing
// cancels. Every statement is a check: a number, measured on synthetic data, and a bound. What does not cancel is
// claimed as such, with a lower bound.
#include <tare/apps/cli/names.h>
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/apps/exhibits/commands.h>

namespace TARE_NAMESPACE {
namespace {

struct Section {
  Exhibit exhibit;
  void (*show)(CheckReport& report);
};
constexpr Section kSections[] = {
    {Exhibit::note_1, exhibits::show_forward},
    {Exhibit::note_2, exhibits::show_derivation},
    {Exhibit::note_3, exhibits::show_cancellation},
    {Exhibit::backward, exhibits::show_backward},
    {Exhibit::shift, exhibits::show_bias_shift},
    {Exhibit::jacobian, exhibits::show_jacobian},
    {Exhibit::diagonal, exhibits::show_diagonal_gradient},
    {Exhibit::training, exhibits::show_training},
    {Exhibit::where_not, exhibits::show_where_not},
    {Exhibit::scale, exhibits::show_scale},
};

// "note-1", "1 shift"
std::string label(Exhibit exhibit) {
  const int number = static_cast<int>(exhibit) - static_cast<int>(Exhibit::shift) + 1;
  const char* name = name_in(kExhibits, exhibit);
  return number < 1 ? name : fmt::format("{} {}", number, name);
}

void introduce(CheckReport& report) {
  report.say(
      "A bias directly before BatchNorm changes nothing in training. Forward, BatchNorm subtracts it together with the "
      "mean; backward, its gradient is zero. So it can be dropped. Three notes on BatchNorm are put to the test "
      "here:\n\n"
      "Note 1 explains the forward pass: take mean and variance of every feature over the batch, normalize with them, "
      "then scale by gamma and shift by beta.\n\n"
      "Note 2 derives the backward pass. Its result is wrong: of the Jacobian, which says how every input moves every "
      "output, it keeps only the diagonal.\n\n"
      "Note 3 (Arjun Majumdar, \"Batch Normalization equations\", 2021) shows in its equations 1.1 to 1.12 that the "
      "bias cancels.\n\n"
      "Notes 2 and 3 contradict each other: by note 2's gradient the bias would matter. Who is right is measured, in "
      "{} and on synthetic data:",
      exhibits::kDouble ? "double" : "float");
}

}  // namespace

int run_cancel(const CancelOptions& options) {
  const bool details = options.exhibit || options.checks;
  CheckReport report({.precision = exhibits::kDouble ? "double" : "float",
                      .json = options.json,
                      .details = details,
                      .checks = options.checks});
  if (!options.exhibit) introduce(report);
  if (options.checks) {
    report.say(
        "A line that begins with ok is a check: a claim, the measured number and its bound, which is >= where "
        "something does not cancel. Errors are relative to the largest number compared, unless the text says "
        "otherwise.");
  }
  for (const Section& section : kSections) {
    if (options.exhibit && options.exhibit != section.exhibit) continue;
    report.section(name_in(kExhibits, section.exhibit), label(section.exhibit));
    section.show(report);
  }
  report.section("", "");
  if (!options.checks) {
    if (!details) report.row("One of them with its explanation and tables: tare cancel --exhibit shift");
    report.row("Every check, with its number and its bound: add --checks.");
  }
  return report.finish();
}

}  // namespace TARE_NAMESPACE
