// What the C++ peers share: their command line, MNIST from raw IDX files, and the times they print, in the form of
// `tare bench --json`. It uses nothing of Tare.   peer --work W1 --threads 1 --epochs 3 --data FOLDER
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

struct Work {
  std::vector<int> hidden;
  bool batch_norm;
  int batch;
};

struct Arguments {
  std::string work = "W1", data;
  int threads = 1, epochs = 3;
};

inline Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--work") a.work = argv[i + 1];
    if (name == "--data") a.data = argv[i + 1];
    if (name == "--threads") a.threads = std::atoi(argv[i + 1]);
    if (name == "--epochs") a.epochs = std::atoi(argv[i + 1]);
  }
  return a;
}

inline Work work_of(const std::string& name) {
  if (name == "W1") return {{256, 128}, true, 128};
  if (name == "W2") return {{256, 128}, false, 128};
  if (name == "W3") return {{32}, true, 16};
  if (name == "W4") return {{1024, 1024, 1024}, true, 256};
  throw std::runtime_error("--work: expected W1, W2, W3 or W4, found " + name);
}

constexpr int kPixels = 784;

// The bytes behind the header of 4 times (1 + dimensions) bytes.
inline std::vector<std::uint8_t> read_idx(const std::string& file, std::size_t dimensions) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(file + " cannot be opened");
  std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(in)), {});
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(4 * (1 + dimensions)));
  return bytes;
}

struct Images {
  std::vector<std::uint8_t> pixels, labels;
  int count() const { return static_cast<int>(labels.size()); }
};

// `set` is "train" or "t10k".
inline Images read_images(const std::string& folder, const std::string& set) {
  return {read_idx(folder + "/" + set + "-images-idx3-ubyte", 3),
          read_idx(folder + "/" + set + "-labels-idx1-ubyte", 1)};
}

// Seconds that a function takes.
template <class F>
double seconds_of(const F& f) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The median of all but the first, or the only one.
inline double median_after_first(std::vector<double> seconds) {
  if (seconds.size() > 1) seconds.erase(seconds.begin());
  std::sort(seconds.begin(), seconds.end());
  return (seconds[(seconds.size() - 1) / 2] + seconds[seconds.size() / 2]) / 2;
}

inline void print_json(const Arguments& a, const std::vector<double>& seconds, double train_loss) {
  std::printf("{\"work\":\"%s\",\"threads\":%d,\"epochs\":%zu,\"seconds_per_epoch\":%.9g,\"train_loss\":%.9g}\n",
              a.work.c_str(), a.threads, seconds.size(), median_after_first(seconds), train_loss);
}
