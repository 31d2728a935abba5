// How layers and optimizers show what of them lasts, to be saved and loaded by somebody else. No file format stands here.
#pragma once

#include "core/machine/matrix.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace TARE_NAMESPACE {

/// One named piece of its owner's lasting state, in the owner's memory.
struct StateTensor {
  std::string name;          // of a layer, as in PyTorch's state_dict: "weight", "running_mean"
  std::vector<Index> shape;  // {} for a single number
  std::variant<MatrixMap, std::int64_t*> data;
};

}  // namespace TARE_NAMESPACE
