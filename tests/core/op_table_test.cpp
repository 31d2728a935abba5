// The derivatives of every op in the table against finite differences, in double.
#include <tare/core/tools/op_table.h>

#include <doctest/doctest.h>

namespace tare {
namespace {

// [OP-2] [OP-3] [OP-4]
TEST_CASE("every op's derivatives agree with finite differences") {
  std::uint64_t number = 0;
  for (const OpCase& c : op_table()) {
    Random random(2, Random::Stream{4}, number++);
    const GradientError error = check_gradients(c.f, c.inputs, random, c.floor);
    INFO(c.op << " " << c.shapes << ": " << error.worst);
    CHECK(error.relative <= 1e-6);
    CHECK(!error.worst.empty());
  }
}

}  // namespace
}  // namespace tare
