// What several tests of core/ share: random matrices, comparisons, and the message of an Error.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>

#include <cstring>
#include <limits>
#include <string>

namespace TARE_NAMESPACE {

/// Standard normal entries.
inline Matrix random_matrix(Random& random, Index rows, Index cols) {
  Matrix m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<real>(random.normal());
  return m;
}

/// A parameter with these numbers and a zero gradient.
inline Parameter parameter(const Matrix& value) {
  Parameter p("parameter", value.rows(), value.cols());
  p.value = value;
  return p;
}

using AnyMatrix = Eigen::Ref<const Matrix>;  // a Matrix, a View or an expression

inline double max_abs(const AnyMatrix& m) { return m.size() == 0 ? 0 : static_cast<double>(m.cwiseAbs().maxCoeff()); }
inline double max_difference(const AnyMatrix& a, const AnyMatrix& b) {
  const Matrix difference = a - b;
  return difference.allFinite() ? max_abs(difference) : std::numeric_limits<double>::infinity();
}

inline bool same_bits(const Matrix& a, const Matrix& b) {
  const auto bytes = sizeof(real) * static_cast<std::size_t>(a.size());
  return a.rows() == b.rows() && a.cols() == b.cols() && (bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0);
}

/// The message of the Error that `f` throws, "" if it throws none.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace TARE_NAMESPACE
