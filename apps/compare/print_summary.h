// What a comparison found, for a terminal: the answer, the curves, the table.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/comparison.h>

namespace tare {

void print_summary(const Comparison& comparison, std::span<const Claim> claims);

}  // namespace tare
