// What the page asks for, and is told: JSON, with bytes beside it for files and pictures.
#pragma once

#include <string>

namespace tare {

struct Answer {
  std::string json, bytes;
};

/// Answers {"ask": NAME, ...}; requests.cpp lists the names. Error if something in it is not as expected.
Answer answer(const std::string& json, const std::string& bytes);

}  // namespace tare
