#include <tare/core/machine/workers.h>

#include <tare/core/machine/error.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace tare {
namespace {

constexpr std::uint64_t kPieces = 0xffffffff;  // the lower half of a ticket

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` differs from `old`: first spinning, for some 300 microseconds, which is longer than what a
// training step computes between two loops, and than waking a thread takes on a virtual machine; then asleep, so that
// a thread never holds for long a core that somebody else could use.
void wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < 20000; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

class Workers::Pool {
 public:
  explicit Pool(int threads);
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void run(const Loop& loop);

 private:
  bool run_one_piece();
  void serve();
  void stop();

  Loop loop_{};
  // The number of the current loop in the upper half, its unclaimed pieces in the lower. A thread claims a piece by
  // subtracting one with a compare-and-swap, which fails if meanwhile another loop has begun.
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<std::uint32_t> wake_{0};  // changes with every loop; idle threads sleep on it
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};  // a piece of the current loop has thrown error_
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;
};

// taskset, Slurm and containers leave a process some of the machine's cores; the standard library counts all.
int hardware_threads() {
#ifdef __linux__
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) return CPU_COUNT(&cores);
#endif
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

Workers::Workers(int threads) : threads_(threads) {
  if (threads < 1) throw Error("threads: expected at least 1, found {}", threads);
  if (threads > 1) pool_ = std::make_unique<Pool>(threads);
}

Workers::~Workers() = default;

void Workers::run(const Loop& loop) { pool_->run(loop); }

Workers::Pool::Pool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads) - 1);
  try {
    for (int i = 1; i < threads; ++i) threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    stop();
    throw Error("threads: the system started only {} of {}", threads_.size() + 1, threads);
  }
}

void Workers::Pool::stop() {
  stop_.store(true, std::memory_order_release);
  wake_.fetch_add(1, std::memory_order_release);
  wake_.notify_all();
}

void Workers::Pool::run(const Loop& loop) {
  // No thread reads loop_ before it has claimed a piece, and the last loop returned only when its pieces were done.
  loop_ = loop;
  const auto pieces = static_cast<std::uint32_t>(loop.pieces);
  unfinished_.store(pieces, std::memory_order_relaxed);
  const std::uint64_t next_loop = (ticket_.load(std::memory_order_relaxed) & ~kPieces) + kPieces + 1;
  ticket_.store(next_loop | pieces, std::memory_order_release);
  wake_.fetch_add(1, std::memory_order_release);
  wake_.notify_all();

  // The caller takes pieces too, so that a loop ends even if the other cores are busy with somebody else's work.
  while (run_one_piece()) {
  }
  for (std::uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) {
    wait_while_equal(unfinished_, left);
  }
  if (failed_.exchange(false)) std::rethrow_exception(std::exchange(error_, nullptr));
}

bool Workers::Pool::run_one_piece() {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  do {
    if ((ticket & kPieces) == 0) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));

  const Index piece = static_cast<Index>(ticket & kPieces) - 1;
  const Index grains = loop_.count / loop_.grain;
  const Index begin = grains * piece / loop_.pieces * loop_.grain;
  const Index end = piece + 1 == loop_.pieces ? loop_.count : grains * (piece + 1) / loop_.pieces * loop_.grain;
  try {
    loop_.call(loop_.body, begin, end - begin);
  } catch (...) {
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }

  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  return true;
}

void Workers::Pool::serve() {
  for (std::uint32_t seen = 0; !stop_.load(std::memory_order_acquire);) {
    while (run_one_piece()) {
    }
    // Read `wake_` only after finding no piece; a loop that begins in between changes it, and the wait returns at once.
    wait_while_equal(wake_, seen);
    seen = wake_.load(std::memory_order_acquire);
  }
}

}  // namespace tare
