// The chapters say what is so: the output that they show is what the program prints, and every formula's tag leads to
// the code that computes it and to a test.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = TARE_SOURCE_FOLDER;

std::vector<fs::path> files_in(const std::vector<std::string>& folders, const std::string& endings) {
  std::vector<fs::path> files;
  for (const std::string& folder : folders) {
    const std::size_t before = files.size();
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const std::string ending = entry.path().extension().string();
      if (!ending.empty() && endings.find(ending + " ") != std::string::npos) files.push_back(entry.path());
    }
    REQUIRE_MESSAGE(files.size() > before, "no file that ends in one of " << endings << "in " << folder);
  }
  return files;
}

std::set<std::string> tags_in(const std::vector<fs::path>& files) {
  static const std::regex tag(R"(\[(BN|BIAS|FOLD)-[0-9]+\])");
  std::set<std::string> tags;
  for (const fs::path& file : files) {
    const std::string text = read_file(file);
    for (std::sregex_iterator i(text.begin(), text.end(), tag), end; i != end; ++i) tags.insert(i->str());
  }
  return tags;
}

std::optional<double> as_number(const std::string& word) {
  double x;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), x);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return x;
}

// Words are equal, and numbers agree to 2 %. Rounding errors, which no two processors share, agree if both are below
// 1e-6 or, where they are printed as such ("4.2e-05") or in a line about float, if they are within a factor of ten.
bool same_word(const std::string& a, const std::string& b, bool about_float) {
  const auto x = as_number(a), y = as_number(b);
  if (!x || !y) return a == b;
  const double larger = std::max(std::abs(*x), std::abs(*y)), smaller = std::min(std::abs(*x), std::abs(*y));
  if (larger < 1e-6) return true;
  if (about_float || a.find('e') != std::string::npos) return larger <= 10 * smaller;
  return std::abs(*x - *y) <= 0.02 * larger;
}

std::vector<std::string> words_of(std::string text) {
  std::ranges::replace(text, ',', ' ');
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void compare(const std::string& shown, const std::string& printed) {
  std::istringstream shown_lines(shown), printed_lines(printed);
  for (std::string expected, found; std::getline(shown_lines, expected);) {
    std::getline(printed_lines, found);
    const bool about_float = expected.find("float") != std::string::npos;
    const bool same = std::ranges::equal(words_of(expected), words_of(found),
                                         [&](const auto& a, const auto& b) { return same_word(a, b, about_float); });
    CHECK_MESSAGE(same, "the chapter shows\n" << expected << "\nbut the program prints\n" << found);
  }
  std::string more;
  CHECK_FALSE(std::getline(printed_lines, more));
}

// With TARE_UPDATE_DOCS set, the chapters are rewritten instead of compared.
TEST_CASE("the output shown in the chapters is what the program prints") {
  const std::string open = "```console\n$ tare ", close = "```";
  const bool update = std::getenv("TARE_UPDATE_DOCS") != nullptr;
  int blocks = 0;
  for (const fs::path& chapter : files_in({"docs"}, ".md ")) {
    std::string text = read_file(chapter);
    for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;) {
      ++blocks;
      const std::size_t words = at + open.size(), output = text.find('\n', words) + 1, end = text.find(close, output);
      const std::string command = text.substr(words, output - words - 1);
      CAPTURE(chapter.string());
      CAPTURE(command);
      const Outcome run = run_tare(command);
      CHECK_MESSAGE(run.exit_code == 0, run.err);
      if (update) {
        text.replace(output, end - output, run.out);
      } else {
        compare(text.substr(output, end - output), run.out);
      }
      at = output;
    }
    if (update) write_file(chapter, text);
  }
  CHECK(blocks >= 3);
}

TEST_CASE("every formula's tag leads from the chapters to code and test, and back") {
  const std::set<std::string> docs = tags_in(files_in({"docs"}, ".md "));
  const std::set<std::string> code = tags_in(files_in({"core", "layers", "optim", "apps"}, ".cpp .h "));
  std::vector<fs::path> tests = files_in({"tests"}, ".cpp ");
  std::erase_if(tests, [](const fs::path& file) { return file.filename() == "docs_test.cpp"; });
  const std::set<std::string> tested = tags_in(tests);
  CHECK(docs.size() >= 10);
  for (const std::string& tag : docs) {
    CHECK_MESSAGE(code.contains(tag), tag << " stands in no code");
    CHECK_MESSAGE(tested.contains(tag), tag << " stands on no test");
  }
  for (const std::string& tag : code) CHECK_MESSAGE(docs.contains(tag), tag << " is explained in no chapter");
  for (const std::string& tag : tested) CHECK_MESSAGE(docs.contains(tag), tag << " is explained in no chapter");
}

TEST_CASE("the code that the chapters quote from an example stands there") {
  static const std::regex quote("```cpp (docs/examples/[a-z_]+\\.cpp)\n([^`]*)```");
  int quotes = 0;
  std::vector<fs::path> pages = files_in({"docs"}, ".md ");
  pages.push_back(kRoot / "README.md");
  for (const fs::path& page : pages) {
    const std::string text = read_file(page);
    for (std::sregex_iterator i(text.begin(), text.end(), quote), end; i != end; ++i, ++quotes) {
      const std::string example = read_file(kRoot / (*i)[1].str());
      std::istringstream quoted((*i)[2].str());
      std::size_t at = 0;  // the lines stand there in this order, however they are indented
      for (std::string line; std::getline(quoted, line);) {
        line.erase(0, line.find_first_not_of(' '));
        at = example.find(line, at);
        CHECK_MESSAGE(at != std::string::npos, page.string() << " quotes " << (*i)[1].str() << ": " << line);
        if (at == std::string::npos) break;
      }
    }
  }
  CHECK(quotes >= 3);
}

TEST_CASE("every example is shorter than 60 lines") {
  const std::vector<fs::path> examples = files_in({"docs/examples"}, ".cpp ");
  CHECK(examples.size() == 10);
  for (const fs::path& example : examples) {
    CHECK_MESSAGE(std::ranges::count(read_file(example), '\n') < 60, example.string());
  }
}

TEST_CASE("every link to a file leads to one") {
  static const std::regex link(R"(\]\(([^)\s#:]+)[)#])");  // (no lambda, whose parameters have spaces, nor an address)
  std::vector<fs::path> pages = files_in({"docs"}, ".md ");
  for (const char* page : {"README.md", "CONTRIBUTING.md"}) pages.push_back(kRoot / page);
  int links = 0;
  for (const fs::path& page : pages) {
    const std::string text = read_file(page);
    for (std::sregex_iterator i(text.begin(), text.end(), link), end; i != end; ++i, ++links) {
      const std::string target = (*i)[1];
      CHECK_MESSAGE(fs::exists(page.parent_path() / target), page.string() << " links to " << target);
    }
  }
  CHECK(links >= 30);
}

}  // namespace
}  // namespace tare::testing
