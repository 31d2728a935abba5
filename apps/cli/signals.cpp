#include <tare/apps/cli/signals.h>

#include <csignal>
#include <initializer_list>

namespace tare {
namespace {

volatile std::sig_atomic_t noted_signal = 0;

}  // namespace

int stop_signal() { return noted_signal; }

void watch_signals() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;  // whoever started the program wants it to go on
    action = {};
    action.sa_handler = [](int number) { noted_signal = number; };
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;  // the second one takes its default effect
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace tare
