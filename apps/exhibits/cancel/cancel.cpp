// tare cancel: a guided exhibit of why a bias before BatchNorm cancels, what BatchNorm's gradient is, and where nothing
// cancels. Every statement is a check: a number, measured on synthetic data, and a bound. What does not cancel is
// claimed as such, with a lower bound.
//
// Note 1 is an explanation of the forward pass, note 2 a derivation of the backward pass with a wrong result, and note
// 3 Arjun Majumdar's "Batch Normalization equations" (2021), whose equations are numbered 1.1 to 1.12.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/apps/exhibits/commands.h>

namespace TARE_NAMESPACE {

int run_cancel(const CancelOptions& options) {
  CheckReport report(exhibits::kDouble ? "double" : "float", options.json);
  report.say(
      "A bias before BatchNorm cancels. This program shows it in {}, on synthetic data. Every line that\n"
      "begins with ok is a check: a claim, the measured number and its bound (>= where something does not\n"
      "cancel). Errors are relative to the largest number compared unless the text says otherwise.",
      exhibits::kDouble ? "double" : "float");
  exhibits::show_forward(report);
  exhibits::show_cancellation(report);
  exhibits::show_backward(report);
  exhibits::show_derivation(report);
  exhibits::show_bias_shift(report);
  exhibits::show_jacobian(report);
  exhibits::show_diagonal_gradient(report);
  exhibits::show_training(report);
  exhibits::show_where_not(report);
  exhibits::show_scale(report);
  return report.finish();
}

}  // namespace TARE_NAMESPACE
