// In the double build, every differentiable op, with inputs at which its derivatives can be checked against finite
// differences. The tests and `tare gradcheck` read the same table; tests/op_table_complete.sh fails when an op has no
// row in it.
#pragma once

#include <tare/core/tools/gradcheck.h>

#include <string>
#include <vector>

namespace TARE_NAMESPACE {

struct OpCase {
  std::string op;  // the function's name
  std::string shapes;
  std::vector<Buffer> inputs;
  Differentiable f;
  double floor = 1;  // the smallest scale that errors are taken relative to
};

std::vector<OpCase> op_table();

}  // namespace TARE_NAMESPACE
