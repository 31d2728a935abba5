// tare data: what it writes, fetches from a server of its own, and shows.
#include <tare/core/machine/file.h>
#include <tare/datasets/images.h>
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("data make writes a set that is read back the same, or nothing") {
  const TemporaryFolder folder;
  const std::string made = (folder / "made").string();
  CHECK(run_tare(fmt::format("data make '{}' --data moons", made)).exit_code == 0);
  const DataSet read = load_data(made), moons = make_built_in("moons");
  CHECK(read.train.pixels == moons.train.pixels);
  CHECK(read.test.labels == moons.test.labels);

  // The same again changes nothing, and another set none that is there.
  CHECK(run_tare(fmt::format("data make '{}' --data moons", made)).exit_code == 0);
  const Outcome other = run_tare(fmt::format("data make '{}' --data circles", made));
  CHECK(other.exit_code == 1);
  CHECK(contains(other.err, "train-images-idx3-ubyte: is there already"));
  CHECK(load_data(made).train.pixels == moons.train.pixels);

  const Outcome unknown = run_tare(fmt::format("data make '{}/none' --data cats", made));
  CHECK(unknown.exit_code == 2);
  CHECK(contains(unknown.err, "--data: expected digits"));
  tare::write_file(folder / "file", "");
  CHECK(run_tare(fmt::format("data make '{}/x' --data moons", (folder / "file").string())).exit_code == 1);
  fs::create_directory(folder / "other");
  tare::write_file(folder / "other/t10k-labels.idx1-ubyte", "");
  CHECK(run_tare(fmt::format("data make '{}' --data moons", (folder / "other").string())).exit_code == 1);
  CHECK(std::distance(fs::directory_iterator(folder / "other"), {}) == 1);
}

TEST_CASE("data show counts classes and takes sets of any size") {
  const TemporaryFolder folder;
  write_digits(folder / "data");
  const Outcome run = run_tare(fmt::format("data show '{}' --json", (folder / "data").string()));
  CHECK(run.exit_code == 0);
  const json shown = json::parse(run.out);
  CHECK(shown["classes"] == 10);
  CHECK(shown["train"]["images"] == 330);
  CHECK(shown["train"]["counts"][3] == 33);
  CHECK(shown["train"]["rows"] == 8);
  const Outcome text = run_tare(fmt::format("data show spirals --png '{}'", (folder / "sheet.png").string()));
  CHECK(text.exit_code == 0);
  CHECK(contains(text.out, "training"));
  CHECK(fs::file_size(folder / "sheet.png") > 100);
}

TEST_CASE("data fetch verifies what it gets and leaves nothing else behind") {
  const TemporaryFolder folder;
  const std::string to = (folder / "to").string(), mirror = (folder / "mirror").string();
  const auto fetch = [&](const std::string& from) {
    return run_tare(fmt::format("data fetch mnist '{}' --mirror 'file://{}'", to, from));
  };
  fs::create_directory(mirror);
  const Outcome missing = fetch(mirror);
  CHECK(missing.exit_code == 1);
  CHECK(contains(missing.err, "train-images-idx3-ubyte.gz"));
  tare::write_file(folder / "mirror/train-images-idx3-ubyte.gz", "<html>no</html>");
  CHECK(contains(fetch(mirror).err, "found HTML"));
  tare::write_file(folder / "mirror/train-images-idx3-ubyte.gz", "short");
  CHECK(contains(fetch(mirror).err, "expected 9912422 bytes, found 5"));
  tare::write_file(folder / "mirror/train-images-idx3-ubyte.gz", std::string(9'912'422, 'x'));
  CHECK(contains(fetch(mirror).err, "SHA-256"));
  CHECK_FALSE(fs::exists(to));

  const char* mnist = std::getenv("TARE_DATA");
  if (mnist == nullptr || !fs::exists(fs::path(mnist) / "train-images-idx3-ubyte.gz")) {
    MESSAGE("skipped: $TARE_DATA names no folder with MNIST's compressed files");
    return;
  }
  CHECK(fetch(mnist).exit_code == 0);
  CHECK(std::distance(fs::directory_iterator(to), {}) == 4);
  CHECK(contains(fetch(mirror).err, "0 files fetched, 4 were there"));
}

}  // namespace
}  // namespace tare::testing
