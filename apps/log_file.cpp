#include "apps/log_file.h"

#include "core/error.h"

#include <cerrno>
#include <cstring>

namespace tare {

LogFile::LogFile(const std::string& file) : name_(file), stream_(std::fopen(file.c_str(), "w")) {
  if (!stream_) throw Error("{}: cannot be written: {}", name_, std::strerror(errno));
  write_line("step,epoch,lr,train_loss,test_loss,test_accuracy\n");
}

void LogFile::write(const LogRow& row) {
  const auto text = [](const std::optional<double>& x) { return x ? fmt::format("{}", *x) : std::string(); };
  write_line(fmt::format("{},{},{},{},{},{}\n", row.step, row.epoch, row.lr, row.train_loss, text(row.test_loss),
                         text(row.test_accuracy)));
}

void LogFile::write_line(const std::string& line) {
  if (std::fputs(line.c_str(), stream_.get()) < 0 || std::fflush(stream_.get()) != 0) {
    throw Error("{}: cannot be written: {}", name_, std::strerror(errno));
  }
}

}  // namespace tare
