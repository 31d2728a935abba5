// Running `tare compare` on a small set, in a folder of its own.
#pragma once

#include "tests/apps/program_testing.h"
#include "tests/datasets/file_testing.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

namespace tare::testing {

/// The header of curves.csv.
inline constexpr const char* kCurvesHeader =
    "variant,seed,lr,step,epoch,train_loss,test_loss,test_accuracy,train_accuracy,epoch_loss,epoch_accuracy,"
    "validation_loss,validation_accuracy";

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
inline bool has_gnuplot() { return std::system("command -v gnuplot >/dev/null 2>&1") == 0; }

/// A folder with `data`, and comparisons that go into folders beside it.
struct CompareFixture {
  CompareFixture() { write_digits(folder / "data"); }

  std::string command(const std::string& out, const std::string& words) const {
    return "compare --data '" + data + "' --out '" + (folder / out).string() + "' " + small + words;
  }
  Outcome compare(const std::string& out, const std::string& words, const std::string& before = "") const {
    return run_tare(command(out, words), before);
  }
  nlohmann::json summary(const std::string& out) const {
    return nlohmann::json::parse(read_file(folder / out / "summary.json"));
  }

  TemporaryFolder folder;
  std::string data = (folder / "data").string();
  std::string small = "--hidden 12,8 --batch 32 --steps 30 --eval-every 7 ";
};

}  // namespace tare::testing
