// tare compare in several processes that share a folder.
#include "tests/apps/program_testing.h"
#include "tests/datasets/file_testing.h"

#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Fixture {
  Fixture() { write_digits(folder / "data"); }

  std::string command(const std::string& out, const std::string& words) const {
    return "compare --data data --out " + out + " --hidden 12,8 --batch 32 --eval-every 7 --threads 1 " + words;
  }
  Outcome compare(const std::string& out, const std::string& words) const {
    return run_tare(command(out, words), "cd '" + folder.path().string() + "' &&");
  }

  TemporaryFolder folder;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

// What is measured, and the name of the folder, which differ.
void strip(json& j) {
  if (j.is_object()) {
    for (const char* key : {"seconds", "seconds_to", "machine", "command"}) j.erase(key);
    if (j.contains("curve")) {
      for (json& point : j["curve"]) point[5] = nullptr;
    }
  }
  if (j.is_structured()) {
    for (json& inner : j) strip(inner);
  }
}

// Of every file of the folder but the pictures and the page, which are made of these.
std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    contents[name] = "";
    if (entry.path().extension() == ".csv") contents[name] = read_file(entry.path());
    if (entry.path().extension() != ".json") continue;
    json j = json::parse(read_file(entry.path()));
    strip(j);
    contents[name] = j.dump();
  }
  return contents;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "compare: a folder that parts have filled is that of one process") {
  const std::string words = "--lrs 0.1,0.01 --seeds 3 --steps 14 --variant a:--norm=none --variant b: ";
  REQUIRE(compare("whole", words).exit_code == 0);
  int runs = 0;
  for (const char* part : {"3/4", "1/4", "4/4", "2/4"}) {
    const Outcome done = compare("parts", words + "--part " + part);
    REQUIRE(done.exit_code == 0);
    CHECK(contains(done.err, "The same command without --part"));
    CHECK_FALSE(fs::exists(folder / "parts" / "report.html"));
    runs += 3;
    CHECK(std::distance(fs::directory_iterator(folder / "parts" / "runs"), {}) == runs);
  }
  const Outcome last = compare("parts", words);
  CHECK(last.exit_code == 0);
  CHECK(contains(last.err, "12 are done already"));
  CHECK(contents_of(folder / "parts") == contents_of(folder / "whole"));
}

TEST_CASE_FIXTURE(Fixture, "compare: processes in one folder share the runs, each of which is made once") {
  const std::string words = "--lrs 0.1,0.01 --seeds 4 --steps 60 --variant a:--norm=none --variant b: ";
  fs::create_directories(folder / "second");
  fs::create_symlink(folder / "data", folder / "second" / "data");
  fs::create_directories(folder / "shared");
  fs::create_symlink(folder / "shared", folder / "second" / "shared");
  Process first(folder.path(), command("shared", words)), second(folder / "second", command("shared", words));
  const Outcome outcomes[] = {first.wait(), second.wait()};
  std::map<std::string, int> made;
  for (const Outcome& outcome : outcomes) {
    REQUIRE(outcome.exit_code == 0);
    std::size_t at = 0;
    for (std::size_t end = 0; (end = outcome.err.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string line = outcome.err.substr(at, end - at);
      const std::size_t name = line.find("  "), colon = line.find(": ");
      const bool of_a_run = contains(line, ", seed ") && colon != std::string::npos;
      if (of_a_run && !contains(line, "another process")) ++made[line.substr(name, colon - name)];
    }
  }
  CHECK(made.size() == 16);
  for (const auto& run : made) CHECK_MESSAGE(run.second == 1, run.first);
  REQUIRE(compare("alone", words).exit_code == 0);
  CHECK(contents_of(folder / "shared") == contents_of(folder / "alone"));
}

TEST_CASE_FIXTURE(Fixture, "compare: another comparison is refused while one runs, and where one has been") {
  const std::string words = "--lrs 0.1 --seeds 2 --variant a:--steps=2000000 ";
  Process running(folder.path(), command("twice", words));
  running.wait_for("twice/comparison.json");
  while (fs::file_size(folder / "twice" / "comparison.json") == 0) std::this_thread::yield();
  const Outcome other = compare("twice", "--lrs 0.1 --seeds 2 --variant a:--steps=2000000 --weight-decay 0.1");
  CHECK(other.exit_code == 1);
  CHECK(contains(other.err, "--weight-decay"));
  const Outcome more = compare("twice", "--lrs 0.1 --seeds 2 --variant a:--steps=2000000 --variant b:");
  CHECK(more.exit_code == 1);
  CHECK(contains(more.err, "another comparison is running"));
  running.signal(SIGKILL);
  running.wait();

  // It has left no run, and no lock.
  REQUIRE(compare("twice", "--lrs 0.1 --seeds 2 --steps 14 --variant a: --part 1/2").exit_code == 0);
  const Outcome part = compare("twice", "--lrs 0.1 --seeds 2 --steps 15 --variant a: --part 2/2");
  CHECK(part.exit_code == 1);
  CHECK(contains(part.err, "--steps"));
  CHECK(std::distance(fs::directory_iterator(folder / "twice" / "runs"), {}) == 1);
  CHECK(compare("twice", "--lrs 0.1 --seeds 3 --steps 14 --variant a: --variant b:").exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "compare: a part is one of so many") {
  for (const char* part : {"0/4", "5/4", "4", "a/b", "1/0", "1/", "/2", "1/2/3"}) {
    const Outcome failed = compare("out", std::string("--part ") + part);
    CAPTURE(part);
    CHECK(failed.exit_code == 2);
    CHECK(contains(failed.err, "--part"));
    CHECK_FALSE(fs::exists(folder / "out"));
  }
}

}  // namespace tare::testing
