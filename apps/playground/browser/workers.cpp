// A web page's WebAssembly has no threads: what shares a loop in core/machine/workers.cpp is not there.
#include <tare/core/machine/error.h>
#include <tare/core/machine/workers.h>

namespace tare {

class Workers::Pool {};

int hardware_threads() { return 1; }

Workers::Workers(int threads) : threads_(threads) {
  if (threads != 1) throw Error("threads: expected 1 in a browser, found {}", threads);
}

Workers::~Workers() = default;

void Workers::run(const Loop& loop) { loop.call(loop.body, 0, loop.count); }

}  // namespace tare
