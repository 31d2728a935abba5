// What is on the disk when a program is killed, interrupted or runs out of room at any moment: the old file or the
// new one, and a run that goes on from there.
#include <tare/core/machine/error.h>
#include <tare/core/machine/random.h>
#include <tare/layers/files/safetensors.h>
#include "tests/apps/program_testing.h"
#include "tests/core/sanitizers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A folder with the small data set; commands run in it and name their files without a path.
struct Fixture {
  TemporaryFolder folder;
  Random random{7, Random::Stream{4}};
  const std::string train = "train --data data --hidden 16 --batch 32 --log-every 1 --threads 1";

  Fixture() { write_digits(folder / "data"); }
  std::string contents(const std::string& name) const { return read_file(folder / name); }
  Outcome tare(const std::string& words) const {
    return run_tare(words, fmt::format("cd '{}' &&", folder.path().string()));
  }
  void sleep_up_to(microseconds longest) {
    std::this_thread::sleep_for(microseconds(random.below(static_cast<std::uint32_t>(longest.count()))));
  }
  // What a killed program leaves: "run.ckpt.a1B2c3".
  void remove_temporary_files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      if (std::regex_search(entry.path().string(), std::regex("\\.[A-Za-z0-9]{6}$"))) found.push_back(entry.path());
    }
    for (const fs::path& file : found) fs::remove(file);
  }
};

// Every number is the version, so that a mixture of two would show.
Safetensors version(std::int64_t number) {
  Safetensors contents;
  TensorData& data = contents.tensors["numbers"];
  data.dtype = Dtype::I64;
  data.shape = {4096};
  data.bytes.resize(4096 * sizeof(number));
  for (std::size_t i = 0; i < 4096; ++i) std::memcpy(data.bytes.data() + i * sizeof(number), &number, sizeof(number));
  return contents;
}

std::int64_t version_of(const Safetensors& contents) {
  std::int64_t number;
  std::memcpy(&number, contents.tensors.at("numbers").bytes.data(), sizeof(number));
  CHECK(contents.tensors.at("numbers").bytes == version(number).tensors.at("numbers").bytes);
  return number;
}

TEST_CASE_FIXTURE(
    Fixture, "killed at 200 random moments while it saves in a loop, it leaves the old file or the new one, whole") {
  const fs::path file = folder / "model";
  write_safetensors(file, version(0));
  std::int64_t last = 0;
  int killed_while_writing = 0;
  microseconds longest(8000);  // of a child's life; longer where that is too short for a file
  for (int i = 0; i < 200; ++i) {
    int started[2];
    REQUIRE(pipe(started) == 0);
    const int child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        close(started[1]);
        for (std::int64_t number = last + 1;; ++number) write_safetensors(file, version(number));
      } catch (...) {
        _exit(1);
      }
    }
    close(started[1]);
    char nothing;
    REQUIRE(read(started[0], &nothing, 1) == 0);  // returns when the child, too, has closed its end
    close(started[0]);
    sleep_up_to(longest);
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    if (last == 0 && i % 10 == 9) longest = std::min(2 * longest, microseconds(1'000'000));
    const std::int64_t now = version_of(read_safetensors(file));  // reads all of it and checks the digest
    CHECK(now >= last);
    last = now;
    killed_while_writing += folder.entries() > 2;
    remove_temporary_files();
  }
  CHECK(last > 0);
  CHECK(killed_while_writing > 0);
}

TEST_CASE_FIXTURE(Fixture, "killed at any moment, a run goes on from its checkpoint to the same weights and log") {
  const std::string words =
      train +
      " --epochs 4 --dropout 0.1 --optimizer adam --schedule cosine:5 --checkpoint run.ckpt --checkpoint-every 1 "
      "--log log.csv --save model --quiet";
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(tare(words).exit_code == 0);
  const auto whole_run = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
  const std::string model = contents("model"), log = contents("log.csv"), checkpoint = contents("run.ckpt");
  for (int run = 0; run < 5; ++run) {
    for (const char* name : {"model", "log.csv", "run.ckpt"}) fs::remove(folder / name);
    // Killed four times in a row, then left to end.
    for (int life = 0; life < 5; ++life) {
      const std::string on = fs::exists(folder / "run.ckpt") ? "train --resume run.ckpt --quiet" : words;
      Process process(folder.path(), on);
      if (life < 4) {
        sleep_up_to(whole_run / 2);
        process.signal(SIGKILL);
      }
      const Outcome done = process.wait();
      if (life == 4) REQUIRE_MESSAGE(done.exit_code == 0, done.err);
      remove_temporary_files();
    }
    CHECK(contents("model") == model);
    CHECK(contents("log.csv") == log);
    CHECK(contents("run.ckpt") == checkpoint);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "interrupted at 20 random moments: no further batch, all is saved, and it goes on from there") {
  const std::string endless = train + " --epochs 1000000 --checkpoint run.ckpt --save model --log log.csv";
  for (int i = 0; i < 20; ++i) {
    CAPTURE(i);
    for (const char* name : {"model", "log.csv", "run.ckpt"}) fs::remove(folder / name);
    const int number = i % 4 == 3 ? SIGTERM : SIGINT;
    Process process(folder.path(), endless);
    process.wait_for("log.csv");  // until it watches
    sleep_up_to(microseconds(20'000));
    process.signal(number);
    const Outcome stopped = process.wait();
    CHECK(stopped.exit_code == 128 + number);
    std::smatch at;
    REQUIRE(std::regex_search(stopped.err, at, std::regex("Stopped by signal [0-9]+ after step ([0-9,]+) of ")));
    CHECK(contains(stopped.err, "to go on: tare train --resume run.ckpt"));
    const std::int64_t step = std::stol(std::regex_replace(at[1].str(), std::regex(","), ""));

    // The log, the checkpoint and the model agree on the step: the run of that many steps has the same.
    const std::string log = contents("log.csv");
    CHECK(std::count(log.begin(), log.end(), '\n') == 1 + step);
    const Safetensors model = read_safetensors(folder / "model"), checkpoint = read_safetensors(folder / "run.ckpt");
    for (const auto& [name, tensor] : model.tensors)
      CHECK(tensor.bytes == checkpoint.tensors.at("model." + name).bytes);
    if (i % 5 == 0) {
      const std::string more = fmt::format(" --steps {} --quiet", step + 3);
      REQUIRE(tare("train --resume run.ckpt" + more).exit_code == 0);
      REQUIRE(tare(fmt::format("{} --epochs 1000000 --save whole --log whole.csv {}", train, more)).exit_code == 0);
      CHECK(contents("model") == contents("whole"));
      CHECK(contents("log.csv") == contents("whole.csv"));
    }
    CHECK(folder.entries() == (fs::exists(folder / "whole") ? 8 : 6));  // nothing temporary
  }
}

TEST_CASE_FIXTURE(Fixture, "interrupted, a run that keeps the best model saves it, and goes on from the last one") {
  Process process(folder.path(),
                  train +
                      " --epochs 1000000 --norm none --lr 0.3 --validation 50 --keep best --checkpoint run.ckpt "
                      "--save model --log log.csv");
  process.wait_for("run.ckpt");
  sleep_up_to(microseconds(20'000));
  process.signal(SIGINT);
  CHECK(process.wait().exit_code == 130);
  const Safetensors model = read_safetensors(folder / "model"), checkpoint = read_safetensors(folder / "run.ckpt");
  for (const auto& [name, tensor] : model.tensors) {
    CHECK(tensor.bytes == checkpoint.tensors.at("best." + name).bytes);
    CHECK(tensor.bytes != checkpoint.tensors.at("model." + name).bytes);
  }
}

TEST_CASE_FIXTURE(Fixture, "without a checkpoint or a model to write, an interruption says what would have helped") {
  Process process(folder.path(), train + " --epochs 1000000 --log log.csv");
  process.wait_for("log.csv");
  process.signal(SIGINT);
  const Outcome stopped = process.wait();
  CHECK(stopped.exit_code == 130);
  CHECK(contains(stopped.err, "with --checkpoint FILE it could go on from there"));
}

TEST_CASE_FIXTURE(Fixture, "the second signal ends the program at once") {
  bool at_once = false;
  // On a busy machine the step may end between the signals.
  for (int attempt = 0; attempt < 20 && !at_once; ++attempt) {
    for (const char* name : {"model", "log.csv"}) fs::remove(folder / name);
    // A step that takes longer than the time between the signals.
    Process process(folder.path(),
                    "train --data data --hidden 4000,4000 --init-scale xavier --batch 330 --epochs 1000 --log log.csv "
                    "--save model");
    process.wait_for("log.csv");
    process.signal(SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    process.signal(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    process.signal(SIGINT);
    at_once = process.wait().exit_code == 130 && !fs::exists(folder / "model");
  }
  CHECK(at_once);
}

TEST_CASE_FIXTURE(Fixture, "a signal that the program was started to ignore is ignored") {
  Process process(folder.path(), train + " --epochs 1000000 --log log.csv", "trap '' INT;");
  process.wait_for("log.csv");
  process.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process.signal(SIGTERM);
  CHECK(process.wait().exit_code == 128 + SIGTERM);
}

TEST_CASE_FIXTURE(Fixture, "commands with nothing to save end at the first signal") {
  REQUIRE(tare(train + " --epochs 1 --save model").exit_code == 0);
  int interrupted = 0;
  for (int i = 0; i < 5; ++i) {
    Process process(folder.path(), "gradcheck");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    sleep_up_to(microseconds(3000));
    process.signal(SIGINT);
    const int code = process.wait().exit_code;
    CHECK((code == 130 || code == 0));  // on a busy machine it may have ended before
    interrupted += code == 130;
  }
  CHECK(interrupted > 0);
}

TEST_CASE_FIXTURE(Fixture, "without room on the disk a run ends with an error, and the files of an older one stay") {
  REQUIRE(tare(train + " --epochs 1 --log log.csv --checkpoint run.ckpt --save model").exit_code == 0);
  const std::string model = contents("model"), checkpoint = contents("run.ckpt");
  // No file may grow beyond two kilobytes (four blocks of 512 bytes), and a write beyond fails instead of killing.
  const std::string limit = fmt::format("cd '{}' && ulimit -f 4 && trap '' XFSZ &&", folder.path().string());
  for (const char* words : {"--save model", "--checkpoint run.ckpt", "--log other.csv"}) {
    const Outcome done = run_tare(fmt::format("{} --epochs 20 --quiet {}", train, words), limit);
    CHECK(done.exit_code == 1);
    CHECK_MESSAGE(contains(done.err, "cannot be written: File too large"), done.err);
    CHECK(std::ranges::count(done.err, '\n') == 1);
    CHECK(contents("model") == model);
    CHECK(contents("run.ckpt") == checkpoint);
  }
  // A log that has hit the limit has a torn line. The run goes on when there is room again.
  fs::remove(folder / "other.csv");
  const std::string half = train + " --epochs 2 --quiet --checkpoint run.ckpt --log other.csv --save model";
  REQUIRE(tare(half).exit_code == 0);
  const std::string whole = contents("other.csv");
  REQUIRE(run_tare("train --resume run.ckpt --epochs 20 --quiet", limit).exit_code == 1);
  CHECK(contents("other.csv").size() == 2048);
  REQUIRE(tare("train --resume run.ckpt --quiet").exit_code == 0);
  CHECK(contents("other.csv") == whole);
}

TEST_CASE_FIXTURE(Fixture, "in a folder that cannot be written, nothing begins") {
  fs::create_directory(folder / "locked");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
  fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_exec);
  // Root may write everywhere, so it becomes nobody.
  const char* nobody = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "";
  const std::string before = fmt::format("cd '{}' && {}", folder.path().string(), nobody);
  if (run_tare("--version", before).exit_code != 0) {
    MESSAGE("skipped: nobody may not run the program");
    return;
  }
  for (const char* option : {"--save", "--checkpoint", "--log"}) {
    const Outcome done = run_tare(fmt::format("{} --epochs 1 {} locked/file", train, option), before);
    CHECK(done.exit_code == 1);
    CHECK_MESSAGE(contains(done.err, "locked/file: cannot be written: Permission denied"), done.err);
  }
  // Whether two of its files are one is not known of a folder that may not be searched.
  fs::permissions(folder / "locked", fs::perms::none);
  for (const std::string& words :
       {train + " --save locked/a --log locked/b", train + " --log locked/a --layers locked/b",
        train + " --checkpoint locked/a --save locked/a"}) {
    const Outcome done = run_tare(words, before);
    CHECK(done.exit_code == 1);
    CHECK_MESSAGE(contains(done.err, ": cannot be written: Permission denied"), done.err);
  }
  const Outcome data = run_tare("train --data locked/data", before);
  CHECK(data.exit_code == 1);
  CHECK_MESSAGE(contains(data.err, "--data locked/data: cannot be read: Permission denied"), data.err);
  fs::permissions(folder / "locked", fs::perms::owner_all);
}

TEST_CASE_FIXTURE(Fixture, "when training diverges, the last good model and checkpoint stay") {
  REQUIRE(tare(train + " --epochs 1 --save model").exit_code == 0);
  const std::string model = contents("model");
  // The loss is finite for a while: the first epoch's checkpoint is good.
  const std::string words = train +
                            " --norm none --activation tanh --weight-decay 300 --momentum 0 --lr 0.05 --epochs 50 "
                            "--save model --checkpoint run.ckpt --checkpoint-every 1";
  const Outcome diverged = tare(words);
  CHECK(diverged.exit_code == 3);
  std::smatch at;
  REQUIRE(std::regex_search(diverged.err, at, std::regex("tare: (the loss is|the test loss is).* in step ([0-9]+) ")));
  CHECK(contents("model") == model);
  const Safetensors checkpoint = read_safetensors(folder / "run.ckpt");
  std::int64_t good_step = 0;
  std::memcpy(&good_step, checkpoint.tensors.at("run.step").bytes.data(), sizeof(good_step));
  CHECK(good_step > 0);
  CHECK(good_step < std::stol(at[2].str()));
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!name.starts_with("model.")) continue;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 4) {
      float number;
      std::memcpy(&number, tensor.bytes.data() + i, sizeof(number));
      CHECK(std::isfinite(number));
    }
  }
  // From there the op that fails first can be asked for.
  const Outcome again = tare("train --resume run.ckpt --detect-anomaly");
  CHECK(again.exit_code == 3);
  CHECK_MESSAGE(contains(again.err, " is not finite in step "), again.err);
}

TEST_CASE_FIXTURE(Fixture, "ten thousand steps hold no more memory than one thousand") {
  auto peak = [&](int steps) {
    Process process(folder.path(),
                    fmt::format("train --data data --hidden 16 --batch 32 --steps {} --checkpoint run.ckpt "
                                "--checkpoint-every 500 --log log.csv --log-every 10 --quiet",
                                steps));
    REQUIRE(process.wait().exit_code == 0);
    return process.peak_kilobytes();
  };
#ifdef TARE_SANITIZED
  MESSAGE("skipped: a sanitizer keeps memory that was freed");
  return;
#endif
  const std::int64_t fewer = peak(1000), more = peak(10'000);
  CAPTURE(fewer);
  CHECK(more <= fewer + 512);
}

}  // namespace
}  // namespace tare::testing
