// The book says what is so: the output that it shows is what the program prints, the code that it quotes stands where it
// says, every link leads somewhere, and every formula's tag leads to the code that computes it and to a test.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
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
  static const std::regex tag(R"(\[[A-Z]+-[0-9]+\])");
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
  if (a == b) return true;
  const auto x = as_number(a), y = as_number(b);
  if (!x || !y) return false;
  const double larger = std::max(std::abs(*x), std::abs(*y)), smaller = std::min(std::abs(*x), std::abs(*y));
  if (larger < 1e-6) return true;
  if (about_float || a.find('e') != std::string::npos) return larger <= 10 * smaller;
  return std::abs(*x - *y) <= 0.02 * larger;
}

// "1,076" is one word, a number; other commas end one.
std::vector<std::string> words_of(const std::string& text) {
  static const std::regex thousands("([0-9]),(?=[0-9]{3})"), comma(",");
  std::istringstream stream(std::regex_replace(std::regex_replace(text, thousands, "$1"), comma, " "));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// A shown "..." stands for any word, such as a time.
bool same_line(const std::string& expected, const std::string& found) {
  const bool about_float = expected.find("float") != std::string::npos;
  return std::ranges::equal(words_of(expected), words_of(found),
                            [&](const auto& a, const auto& b) { return a == "..." || same_word(a, b, about_float); });
}

// Compares line by line. Returns what is printed, with the lines as they are shown where they say the same.
std::string compare(const std::string& shown, const std::string& printed, bool complain) {
  std::istringstream shown_lines(shown), printed_lines(printed);
  std::string merged;
  for (std::string expected, found; std::getline(printed_lines, found);) {
    const bool more = static_cast<bool>(std::getline(shown_lines, expected));
    const bool same = more && same_line(expected, found);
    if (complain) CHECK_MESSAGE(same, "the chapter shows\n" << expected << "\nbut the program prints\n" << found);
    merged += (same ? expected : found) + "\n";
  }
  std::string more;
  if (complain) CHECK_FALSE_MESSAGE(std::getline(shown_lines, more), "the chapter shows more: " << more);
  return merged;
}

// What a command of a chapter prints: a command of the program or, if it begins with example_, an example. Of a command
// that fails, as some are meant to, the error and the exit code as well.
std::string output_of(const std::string& command) {
  const bool example = command.starts_with("example_");
  const Outcome run = example ? run_program(fmt::format("'{}/{}'", TARE_EXAMPLES, command))
                              : run_tare(command.substr(command.find(' ') + 1));
  CHECK_MESSAGE(run.exit_code < 128, run.err);
  if (run.exit_code == 0) return run.out;
  std::string errors;
  std::istringstream lines(run.err);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("tare: ")) errors += line + "\n";
  }
  return fmt::format("{}{}(exit {})\n", run.out, errors, run.exit_code);
}

// With TARE_UPDATE_DOCS set, the chapters are rewritten instead of compared.
TEST_CASE("the output shown in the chapters is what the program prints") {
  const std::string open = "```console\n$ ", close = "```";
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
      REQUIRE((command.starts_with("tare ") || command.starts_with("example_")));
      at = output;
      if (command.starts_with("tare train") && !TARE_FUSED) {
        MESSAGE("not compared: what training prints is that of processors with fused multiply-add");
        continue;
      }
      const std::string merged = compare(text.substr(output, end - output), output_of(command), !update);
      if (update) text.replace(output, end - output, merged);
    }
    if (update) write_file(chapter, text);
  }
  CHECK(blocks >= 10);
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

// The pages of the book, README and CONTRIBUTING.
std::vector<fs::path> pages() {
  std::vector<fs::path> found = files_in({"docs"}, ".md ");
  for (const char* page : {"README.md", "CONTRIBUTING.md"}) found.push_back(kRoot / page);
  return found;
}

// Calls `of_line(line, is_code)` for each line of a page; fences are code, too.
template <class OfLine>
void for_lines(const std::string& text, const OfLine& of_line) {
  std::istringstream lines(text);
  bool fenced = false;
  for (std::string line; std::getline(lines, line);) {
    const bool fence = line.starts_with("```");
    of_line(line, fenced || fence);
    fenced ^= fence;
  }
}

TEST_CASE("the code that the chapters quote from a file stands there") {
  static const std::regex quote("```cpp ([a-z0-9_/-]+\\.(?:cpp|h))\n([^`]*)```");
  int quotes = 0, opened = 0;
  for (const fs::path& page : pages()) {
    const std::string text = read_file(page);
    for_lines(text, [&](const std::string& line, bool) { opened += line.starts_with("```cpp "); });
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
  CHECK(quotes >= 15);
  CHECK(quotes == opened);  // none is overlooked
}

TEST_CASE("every example is shorter than 60 lines") {
  const std::vector<fs::path> examples = files_in({"docs/examples"}, ".cpp ");
  CHECK(examples.size() == 11);
  for (const fs::path& example : examples) {
    CHECK_MESSAGE(std::ranges::count(read_file(example), '\n') < 60, example.string());
  }
}

// What a code host makes of a heading: "Why `+=`" becomes "why-".
std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> anchors;
  for_lines(read_file(page), [&](const std::string& line, bool is_code) {
    if (is_code || !line.starts_with('#')) return;
    std::string anchor;
    for (char c : line.substr(line.find(' ') + 1)) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    anchors.insert(anchor);
  });
  return anchors;
}

TEST_CASE("every link to a file leads to one, and to a heading that it has") {
  static const std::regex link(R"(\]\(([^)\s#:]*)(?:#([^)\s]+))?\))");  // (no address, and no lambda's parameters)
  int links = 0, headings = 0;
  for (const fs::path& page : pages()) {
    const std::string text = read_file(page);
    for (std::sregex_iterator i(text.begin(), text.end(), link), end; i != end; ++i) {
      const std::string target = (*i)[1], heading = (*i)[2];
      if (target.empty() && heading.empty()) continue;  // "[](...)" of a lambda
      ++links;
      if (target.ends_with("build-playground/playground.html")) {
        // Is built; what the addresses stand for, tests/playground.sh tries out.
        const std::string table = heading.substr(0, heading.find('?'));
        const std::array tables{"curves", "inside", "tape", "draw"};
        CHECK_MESSAGE(std::ranges::count(tables, table) == 1, page.string() << " links to the playground's " << table);
        continue;
      }
      const fs::path file = target.empty() ? page : page.parent_path() / target;
      CHECK_MESSAGE(fs::exists(file), page.string() << " links to " << target);
      if (heading.empty() || file.extension() != ".md" || !fs::exists(file)) continue;
      ++headings;
      CHECK_MESSAGE(anchors_of(file).contains(heading), page.string() << " links to " << target << "#" << heading);
    }
  }
  CHECK(links >= 150);
  CHECK(headings >= 20);
}

TEST_CASE("no line of the book is wider than 120 characters, and no code stands in it without its file") {
  for (const fs::path& page : pages()) {
    for_lines(read_file(page), [&](const std::string& line, bool) {
      const auto width = std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; });  // of UTF-8
      CHECK_MESSAGE(width <= 120, page.string() << ": " << line);
      if (page.parent_path().filename() == "chapters") CHECK_MESSAGE(line != "```cpp", page.string());
    });
  }
}

TEST_CASE("every chapter has a goal, a picture, something to run, code to read, and three to six questions") {
  const std::vector<fs::path> chapters = files_in({"docs/chapters"}, ".md ");
  CHECK(chapters.size() == 15);
  for (const fs::path& chapter : chapters) {
    const std::string text = read_file(chapter);
    CAPTURE(chapter.string());
    for (const char* part :
         {"\n*You will be able to*", "\n![", "\n## Run it\n", "\n## Read the code\n", "\n## Questions\n"}) {
      CHECK_MESSAGE(text.find(part) != std::string::npos, "expected " << part);
    }
    int questions = 0, answers = 0;
    for_lines(text, [&](const std::string& line, bool) {
      questions += std::regex_search(line, std::regex(R"(^\*\*[1-6]\.\*\* )"));
      answers += line == "<details><summary>Answer</summary>";
    });
    CHECK(questions >= 3);
    CHECK(questions <= 6);
    CHECK(answers == questions);
  }
}

TEST_CASE("every experiment has a question, a figure and a picture of its own, and its parts in their order") {
  int experiments = 0;
  const std::string list = read_file(kRoot / "docs/experiments/README.md");
  for (const fs::path& page : files_in({"docs/experiments"}, ".md ")) {
    const std::string file = page.filename().string();
    if (file == "README.md") continue;
    ++experiments;
    const std::string text = read_file(page), name = page.stem().string().substr(3);  // behind "01-"
    CAPTURE(file);
    CHECK(list.find("](" + file + ")") != std::string::npos);
    const std::string picture = "](../pictures/comparing/" + name + "-";
    const std::string parts[] = {"*The question.*",
                                 "\n## Predict first\n",
                                 "\n## Why\n",
                                 "\n## Run it\n",
                                 "    tare compare --experiment " + name + " --data mnist --out " + name + "\n",
                                 "\n<!-- figure " + name + " -->\n",
                                 "<!-- end -->\n",
                                 "\n![",
                                 picture,
                                 "\n## Verdict\n",
                                 "\n## Change one thing\n"};
    std::size_t at = 0;
    for (const std::string& part : parts) {
      at = text.find(part, at);
      CHECK_MESSAGE(at != std::string::npos, "expected, in this order, " << part);
      if (at == std::string::npos) break;
    }
  }
  CHECK(experiments == 10);
}

TEST_CASE("every exercise has its task, gap, check, hint and solution, and a place in the list") {
  const std::string list = read_file(kRoot / "docs/exercises/README.md");
  int exercises = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "docs/exercises")) {
    if (!entry.is_directory()) continue;
    ++exercises;
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    for (const char* part : {"README.md", "exercise.cpp", "check.cpp", "hint.md", "solution.cpp"}) {
      CHECK_MESSAGE(fs::exists(entry.path() / part), "expected " << part);
    }
    CHECK(list.find("](" + name + "/README.md)") != std::string::npos);
  }
  CHECK(exercises >= 16);
}

}  // namespace
}  // namespace tare::testing
