// What a comparison found, in numbers and in sentences.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/comparison.h>

namespace tare {

/// How to read the numbers: what an accuracy is a mean of, and that none was chosen by what came of it.
std::string reading(const Comparison& comparison);

/// "Learning rate 0.1: with and without the bias the mean curves differ by at most ...".
std::string bias_sentence(std::span<const Case> cases, const BiasEvidence& evidence);

/// Seconds are measured, and "machine" is where that was; everything else follows from the options and the data.
nlohmann::ordered_json summary_json(const Comparison& comparison, std::span<const Claim> claims);

}  // namespace tare
