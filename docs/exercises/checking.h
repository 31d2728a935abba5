// What the checks of the exercises share. A check compares what the reader's code computes with what is right and ends
// at the first difference, with a message that says where it is and, if the difference looks like a common mistake,
// which one.
#pragma once

#include <tare/apps/exhibits/numbers.h>
#include <tare/tare.h>

#include <cmath>
#include <string>
#include <vector>

namespace exercise {

using tare::Index;
using tare::Matrix;
using tare::slopes;  // by central differences

/// Thrown where a check fails; what() is for the reader.
struct NotYet : std::exception {
  explicit NotYet(std::string text) : message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

template <class... Args>
[[noreturn]] void not_yet(fmt::format_string<Args...> text, Args&&... args) {
  throw NotYet(fmt::format(text, std::forward<Args>(args)...));
}

/// A wrong result that a plausible mistake leads to, and what to tell who made it.
struct Mistake {
  Matrix result;
  std::string says;
};

inline double largest(const Matrix& m) { return m.size() == 0 ? 0 : m.cwiseAbs().maxCoeff(); }

inline bool agree(const Matrix& a, const Matrix& b, double tolerance) {
  if (a.rows() != b.rows() || a.cols() != b.cols() || !a.allFinite() || !b.allFinite()) return false;
  return largest(a - b) <= tolerance * std::max(largest(b), 1e-3);
}

/// What a wrong result has to do with the right one, or "".
inline std::string likeness(const Matrix& found, const Matrix& expected, double tolerance) {
  if (!found.allFinite()) return "It is not a finite number: was something divided by zero, or did an e^x overflow?";
  if (found.isZero(0)) return found.size() > 1 ? "All of it is zero: has anything been computed?" : "";
  const double ratio = found.cwiseProduct(expected).sum() / expected.squaredNorm();
  if (agree(found, ratio * expected, tolerance)) {
    if (std::abs(ratio + 1) < tolerance) return "It is the right answer with the wrong sign.";
    // Of a single number any ratio is as good as another, unless it is a simple one.
    const double larger = std::max(std::abs(ratio), std::abs(1 / ratio));
    if (found.size() == 1 && (larger > 100 || std::abs(larger - std::round(larger)) > tolerance)) return "";
    return fmt::format("It is {:.4g} times the right answer: a factor of {:.4g} is missing.", ratio, 1 / ratio);
  }
  return "";
}

/// Ends the check unless `found` is `expected`, to `tolerance` of the largest number. `what` names it: "matmul, dA".
inline void expect(const std::string& what, const Matrix& found, const Matrix& expected,
                   const std::vector<Mistake>& mistakes = {}, double tolerance = 1e-6) {
  if (found.rows() != expected.rows() || found.cols() != expected.cols()) {
    not_yet("{}: expected the shape [{} x {}], found [{} x {}]", what, expected.rows(), expected.cols(), found.rows(),
            found.cols());
  }
  if (agree(found, expected, tolerance)) return;
  const double bound = tolerance * std::max(largest(expected), 1e-3);
  Index row = 0, col = 0, wrong = 0;
  double worst = -1;
  for (Index i = 0; i < found.rows(); ++i) {
    for (Index j = 0; j < found.cols(); ++j) {
      const double error = std::isfinite(found(i, j)) ? std::abs(found(i, j) - expected(i, j)) : HUGE_VAL;
      wrong += !(error <= bound);
      if (error > worst) {
        worst = error;
        row = i;
        col = j;
      }
    }
  }
  const bool one = expected.size() == 1;
  // As many digits as it takes to see the difference.
  const int digits = worst < 1e-5 * std::abs(expected(row, col)) ? 12 : 6;
  std::string text =
      fmt::format("{}: expected {:.{}g}, found {:.{}g}", what, expected(row, col), digits, found(row, col), digits);
  if (!one) text += fmt::format(" in entry ({}, {}); {} of {} entries are wrong", row, col, wrong, expected.size());
  for (const Mistake& mistake : mistakes) {
    if (agree(found, mistake.result, 100 * tolerance)) not_yet("{}.\n{}", text, mistake.says);
  }
  const std::string like = likeness(found, expected, 100 * tolerance);
  not_yet("{}.{}{}", text, like.empty() ? "" : "\n", like);
}

/// Of numbers that are no matrix.
inline void expect(const std::string& what, double found, double expected, const std::vector<Mistake>& mistakes = {},
                   double tolerance = 1e-6) {
  expect(what, Matrix::Constant(1, 1, found), Matrix::Constant(1, 1, expected), mistakes, tolerance);
}

inline Matrix number(double x) { return Matrix::Constant(1, 1, x); }

/// shift + sigma N(0, 1)
inline Matrix random_matrix(tare::Random& random, Index rows, Index cols, double shift = 0, double sigma = 1) {
  Matrix m(rows, cols);
  for (double& x : m.reshaped<Eigen::RowMajor>()) x = shift + sigma * random.normal();
  return m;
}

inline tare::Parameter parameter(const char* name, const Matrix& value) {
  tare::Parameter p(name, value.rows(), value.cols());
  p.value = value;
  return p;
}

/// `text` with line breaks instead of the spaces at which a line would grow longer than 80 characters.
inline std::string wrapped(const std::string& text) {
  std::string lines, line;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (!line.empty() && line.size() + 1 + word.size() > 80) {
      lines += line + '\n';
      line = word;
    } else {
      line += line.empty() ? word : ' ' + word;
    }
    if (end < text.size() && text[end] == '\n') {
      lines += line + '\n';
      line.clear();
    }
    begin = end + 1;
  }
  return lines + line;
}

/// Runs the check, says what came of it, and returns the exit code: 0 if it passed, 1 if not.
template <class CheckFunction>
int run(const CheckFunction& check) {
  try {
    fmt::print("{}\n", wrapped(fmt::format("Solved. {}", check())));
    return 0;
  } catch (const NotYet& failure) {
    fmt::print("{}\n", wrapped(fmt::format("Not yet. {}", failure.what())));
  } catch (const std::exception& error) {
    fmt::print("{}\n", wrapped(fmt::format("Not yet. The code threw an error: {}", error.what())));
  }
  return 1;
}

}  // namespace exercise
