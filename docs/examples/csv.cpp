// A table of numbers from a CSV file, whose last column is the class:   csv FILE.csv   (fruit.csv is invented)
#include <tare/tare.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

using namespace tare;

// Error, naming the line, unless every row has as many columns as the header, and all but the last are numbers.
Table read_csv(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw Error("{}: cannot be opened", file);
  std::vector<real> numbers;  // row by row
  std::map<std::string, int> classes;
  std::vector<int> labels;
  std::string line, cell;
  std::getline(stream, line);
  const auto columns = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
  for (int number = 2; std::getline(stream, line); ++number) {
    std::vector<std::string> cells;
    for (std::istringstream rest(line); std::getline(rest, cell, ',');) cells.push_back(cell);
    if (cells.size() != columns || columns < 2) {
      throw Error("{}: line {}: expected {} columns, found {}", file, number, columns, cells.size());
    }
    labels.push_back(classes.try_emplace(cells.back(), static_cast<int>(classes.size())).first->second);
    for (std::size_t c = 0; c + 1 < columns; ++c) {
      const char *begin = cells[c].data(), *end = begin + cells[c].size();
      if (std::from_chars(begin, end, numbers.emplace_back()).ptr != end || begin == end) {
        throw Error("{}: line {}: expected a number, found \"{}\"", file, number, cells[c]);
      }
    }
  }
  return {View(numbers.data(), std::ssize(labels), static_cast<Index>(columns) - 1), labels};
}

int main(int argc, char** argv) try {
  Split<Table> data = split(read_csv(argc > 1 ? argv[1] : "fruit.csv"), 40, 1);
  const Standardization scaling(data.train.x);  // grams and centimetres on one scale
  scaling.apply(data.train.x);
  scaling.apply(data.test.x);
  const int classes = 1 + *std::max_element(data.train.labels.begin(), data.train.labels.end());
  Sequential model = make_mlp({.in = data.train.x.cols(), .hidden = {16}, .out = classes}, 1);
  Workers workers(1);
  const TrainingOptions options{.lr = 0.1, .batch = 20, .epochs = 20};
  const Evaluation test = *train(model, {data.train, data.test}, options, workers).evaluation;
  std::printf("%d of %d test rows are classified correctly\n", static_cast<int>(test.correct),
              static_cast<int>(test.samples));
  return test.accuracy() > 0.9 ? 0 : 1;
} catch (const Error& error) {
  std::fprintf(stderr, "csv: %s\n", error.what());
  return 1;
}
