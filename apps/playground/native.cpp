// The page's C++ without a page, to be compared with it: reads a request from every line, and writes its answer as one.
// After "< FILE", the next request has the bytes of this file; "> FILE" keeps those of the last answer.
#include <tare/apps/playground/requests.h>
#include <tare/core/machine/file.h>

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>

int main() {
  tare::Answer answer;
  std::string bytes;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      if (line.starts_with("< ")) {
        bytes = tare::read_file(line.substr(2));
      } else if (line.starts_with("> ")) {
        tare::write_file(line.substr(2), answer.bytes);
      } else {
        answer = tare::answer(line, bytes);
        bytes.clear();
        fmt::print("{}\n", answer.json);
        std::fflush(stdout);
      }
    } catch (const std::exception& error) {
      fmt::print(stderr, "playground: {}\n", error.what());
      return 1;
    }
  }
}
