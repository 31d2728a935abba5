// A small pool of threads that split one loop at a time. The pieces of a loop are fixed by its size and the number of
// threads, and no two pieces write to the same place; which thread happens to run a piece never changes a result.
// It is not a task queue: there is one caller, and it waits until the loop is done.
#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <memory>

namespace tare {

using Eigen::Index;

/// How many threads the process may run at once; 1 if that is not known.
int hardware_threads();

class Workers {
 public:
  /// `threads` >= 1 counts the caller: Workers(1) starts none and runs every loop inline. Throws Error on less, and
  /// if the system starts fewer.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int threads() const { return threads_; }

  /// Calls body(begin, size) on consecutive pieces of [0, count). Every piece but the last begins and ends at a
  /// multiple of `grain`; the tail joins the last piece. `work` is the cost of the whole loop in floating-point
  /// operations: below `kWorthSplitting` the loop runs inline. What `body` throws is thrown here, when all pieces are
  /// done or given up; of several, the first. `body` must not call split.
  template <class Body>
  void split(Index count, Index grain, double work, const Body& body) {
    const Index pieces = work < kWorthSplitting ? 1 : std::min<Index>(threads(), count / grain);
    if (pieces <= 1) {
      body(Index{0}, count);
      return;
    }
    run({count, grain, pieces, &body,
         [](const void* f, Index begin, Index size) { (*static_cast<const Body*>(f))(begin, size); }});
  }

  /// Waking a sleeping thread costs some microseconds: a million operations take about ten.
  static constexpr double kWorthSplitting = 1e6;
  /// What an elementwise formula costs per element, in operations: it moves memory more than it computes.
  static constexpr double kElementwiseWork = 8;
  /// The grain of a row that threads write to: at least a cache line of numbers, which two should not share.
  static constexpr Index kLine = 16;

 private:
  struct Loop {
    Index count, grain, pieces;
    const void* body;
    void (*call)(const void* body, Index begin, Index size);
  };

  class Pool;  // the threads besides the caller

  void run(const Loop& loop);

  int threads_;
  std::unique_ptr<Pool> pool_;  // null without any
};

}  // namespace tare
