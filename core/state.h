// How layers and optimizers show what of them lasts, to be saved and loaded by somebody else. No file format stands
// here.
#pragma once

#include <tare/core/machine/matrix.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tare {
/// What the numbers of a matrix may be, in a file that is read or written.
enum class Values { finite, finite_not_negative, any };
}  // namespace tare

namespace TARE_NAMESPACE {

/// One named piece of its owner's lasting state, in the owner's memory: a matrix, a count from 0 to 2^53, or 64 bits
/// that may be anything.
struct StateTensor {
  std::string name;                 // of a layer, as in PyTorch's state_dict: "weight", "running_mean"
  std::vector<std::int64_t> shape;  // {} for a single number
  std::variant<MatrixMap, std::int64_t*, std::uint64_t*> data;
  Values values = Values::finite;  // of a matrix
};

/// The same, to be read only.
struct ConstStateTensor {
  ConstStateTensor(const StateTensor& t) : name(t.name), shape(t.shape), values(t.values), data(to_read(t.data)) {}

  std::string name;
  std::vector<std::int64_t> shape;
  Values values;
  std::variant<View, const std::int64_t*, const std::uint64_t*> data;

 private:
  static decltype(data) to_read(const decltype(StateTensor::data)& data) {
    return std::visit([](const auto& d) { return decltype(ConstStateTensor::data)(d); }, data);
  }
};

/// The state of a layer or an optimizer that nobody may change.
template <class Owner>
std::vector<ConstStateTensor> state_of(const Owner& owner) {
  // (state() only hands out where its numbers are.)
  const std::vector<StateTensor> state = const_cast<Owner&>(owner).state();
  return {state.begin(), state.end()};
}

}  // namespace TARE_NAMESPACE
