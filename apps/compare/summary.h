// What a comparison found, in numbers and in sentences.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/comparison.h>

namespace tare {

/// How to read the numbers.
extern const char* const kReading;

/// "Learning rate 0.1: with and without the bias the mean curves differ by at most ...".
std::string bias_sentence(std::span<const Case> cases, const BiasEvidence& evidence);

/// Seconds are measured; everything else follows from the options and the data.
nlohmann::ordered_json summary_json(const Comparison& comparison, std::span<const Claim> claims);

}  // namespace tare
