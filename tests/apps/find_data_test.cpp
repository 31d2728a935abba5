// What --data means: names, folders, and where MNIST is looked for.
#include <tare/apps/cli/find_data.h>
#include <tare/core/machine/error.h>
#include <tare/datasets/images.h>
#include "tests/datasets/file_testing.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImages = "t10k-images-idx3-ubyte";

template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Sets TARE_DATA (or unsets it) and the working folder, and puts both back.
class Surroundings {
 public:
  Surroundings(const std::optional<std::string>& tare_data, const fs::path& folder) : folder_(fs::current_path()) {
    if (const char* variable = std::getenv("TARE_DATA")) tare_data_ = variable;
    set(tare_data);
    fs::current_path(folder);
  }
  ~Surroundings() {
    set(tare_data_);
    fs::current_path(folder_);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

 private:
  static void set(const std::optional<std::string>& value) {
    if (value) {
      setenv("TARE_DATA", value->c_str(), 1);
    } else {
      unsetenv("TARE_DATA");
    }
  }
  std::optional<std::string> tare_data_;
  fs::path folder_;
};

TEST_CASE("mnist is looked for in $TARE_DATA, then in data/mnist; auto is the digits without it") {
  const TemporaryFolder with, without;
  write_file(with / kImages, "");
  fs::create_directories(without / "data/mnist");
  for (const std::string name : {"mnist", "auto"}) {
    CAPTURE(name);
    {
      const Surroundings surroundings(with.path().string(), without.path());
      CHECK(find_data(name) == with.path());
    }
    for (const std::optional<std::string>& nowhere : {std::optional<std::string>(), {""}}) {
      const Surroundings surroundings(nowhere, without.path());
      if (name == "auto") {
        CHECK(find_data(name) == "digits");
        continue;
      }
      const std::string message = error_of([&] { find_data(name); });
      CHECK(message.starts_with("--data " + name + ": MNIST is neither in $TARE_DATA (not set)"));
      CHECK(message.find("data/mnist") != std::string::npos);
      CHECK(message.find("https://") != std::string::npos);
      CHECK(message.find("--data DIR") != std::string::npos);
    }
  }
  write_file(without / "data/mnist" / kImages, "");
  {
    const Surroundings surroundings(std::nullopt, without.path());
    CHECK(find_data("mnist") == "data/mnist");
  }
  const Surroundings both(with.path().string(), without.path());
  CHECK(find_data("auto") == with.path());
}

TEST_CASE("a $TARE_DATA without MNIST is an error, also where there is other data") {
  const TemporaryFolder with, without;
  fs::create_directories(with / "data/mnist");
  write_file(with / "data/mnist" / kImages, "");
  write_file(with / "file", "");
  const std::pair<std::string, std::string> cases[] = {{without.path().string(), " (which has none)"},
                                                       {(without / "typo").string(), " (No such file or directory)"},
                                                       {(with / "file").string(), " (not a folder)"}};
  for (const auto& [variable, why] : cases) {
    const Surroundings surroundings(variable, with.path());
    for (const char* name : {"mnist", "auto"}) {
      const std::string message = error_of([&] { find_data(name); });
      CHECK(message.starts_with("$TARE_DATA: expected a folder with MNIST's files"));
      CHECK_MESSAGE(message.ends_with(", found " + variable + why), message);
    }
    CHECK(find_data("digits") == "digits");  // which does not ask for it
    CHECK(find_data("data/mnist") == "data/mnist");
  }
}

TEST_CASE("a folder that torchvision has made is that of the files in it") {
  const TemporaryFolder folder;
  const auto add = [&](const std::string& set) {
    fs::create_directories(folder / set / "raw");
    write_file(folder / set / "raw" / kImages, "");
    return folder / set / "raw";
  };
  const fs::path root = folder.path(), fashion = add("FashionMNIST");
  fs::create_directories(folder / "notes");
  CHECK(find_data(root.string()) == fashion);
  CHECK(find_data(fashion.parent_path().string()) == fashion);
  CHECK(find_data(fashion.string()) == fashion);
  {
    const Surroundings surroundings(root.string(), root);
    CHECK(error_of([] { find_data("mnist"); }).starts_with("$TARE_DATA: "));  // it is not MNIST
  }
  const fs::path mnist = add("MNIST");
  CHECK(error_of([&] {
          find_data(root.string());
        }).ends_with(": expected one data set, found " + fashion.string() + " and " + mnist.string()));
  for (const fs::path& place : {root, root / "MNIST", mnist}) {
    const Surroundings surroundings(place.string(), root);
    CHECK(find_data("auto") == mnist);
  }
}

TEST_CASE("a built-in set beats a folder of its name") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "digits");
  const Surroundings surroundings(std::nullopt, folder.path());
  CHECK(is_built_in(find_data("digits")));
  CHECK_FALSE(is_built_in(find_data("./digits")));
}

TEST_CASE("any other name is a folder's or a table's") {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  write_file(folder / "table.CSV", "");
  CHECK(find_data((folder / "table.CSV").string(), "test.csv") == folder / "table.CSV");
  CHECK(error_of([&] { find_data(folder.path().string(), "test.csv"); }).starts_with("--test: expected only with"));
  CHECK(find_data(folder.path().string()) == folder.path());
  for (const std::string& name : {(folder / "none").string(), (folder / "file").string()}) {
    CHECK(
        error_of([&] { find_data(name); }).starts_with("--data " + name + ": expected auto, mnist, digits, spirals,"));
  }
}

}  // namespace
}  // namespace tare::testing
