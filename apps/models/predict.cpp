// tare predict: classifies pictures and shows them as the model sees them.
#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/models/commands.h>
#include <tare/apps/models/open_model.h>
#include <tare/apps/models/predict_tables.h>
#include <tare/datasets/batches.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/gray_image.h>
#include <tare/datasets/pictures/mnist_form.h>
#include <tare/datasets/pictures/network_input.h>
#include <tare/datasets/pictures/pgm.h>
#include <tare/datasets/pictures/png.h>
#include <tare/optim/training/predict.h>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace TARE_NAMESPACE {
namespace {

namespace fs = std::filesystem;

const std::string kStandardInput = "-";

bool is_picture(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".pgm";
}

// A class number, written as one: "7", not "07". None if there is no such class.
std::optional<int> class_number(std::string_view text, Index classes) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number < 0 || number >= classes || fmt::to_string(number) != text) return std::nullopt;
  return number;
}

// A picture to read, and the class that its name says it is.
struct Input {
  std::string name;
  std::optional<int> label = {};
};

// Adds the pictures that are in a folder itself.
void add_pictures(const fs::path& folder, std::vector<Input>& inputs) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) continue;  // as ._7.png, which macOS writes beside 7.png
    if (is_picture(entry->path()) && entry->is_regular_file(error)) inputs.push_back({entry->path().string()});
  }
  if (error) throw Error("{}: cannot be read: {}", folder.string(), error.message());
}

// Labels the inputs if every one has a label, as `label_of` its path.
bool label_all(std::vector<Input>& inputs, const std::function<std::optional<int>(const fs::path&)>& label_of) {
  if (!std::ranges::all_of(inputs, [&](const Input& input) { return label_of(input.name).has_value(); })) return false;
  for (Input& input : inputs) input.label = label_of(input.name);
  return true;
}

// The pictures of a folder and of its folders that are named by a class, in the order of their names. They are labelled
// if all folders, or else all files, are named by a class: 7/a.png; or 7.png, 7_a.png, 7-b.png.
std::vector<Input> pictures_in(const std::string& folder, Index classes) {
  std::vector<Input> inputs;
  add_pictures(folder, inputs);
  for (Index k = 0; k < classes; ++k) {
    const fs::path of_class = fs::path(folder) / fmt::to_string(k);
    std::error_code error;
    if (fs::is_directory(of_class, error)) add_pictures(of_class, inputs);
  }
  if (inputs.empty()) throw Error("{}: expected a folder with PNG or PGM files, found none", folder);
  std::ranges::sort(inputs, {}, &Input::name);
  const auto by_folder = [&](const fs::path& file) {
    return class_number(fs::absolute(file).lexically_normal().parent_path().filename().string(), classes);
  };
  const auto by_file = [&](const fs::path& file) {
    const std::string stem = file.stem().string();
    const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0; };
    const auto end = std::ranges::find_if_not(stem, is_word);
    return class_number({stem.begin(), end}, classes);
  };
  if (!label_all(inputs, by_folder)) label_all(inputs, by_file);
  return inputs;
}

// All of a file, which may be a pipe, or of standard input.
std::string read_all(const std::string& name) {
  constexpr std::size_t kLargest = std::size_t{1} << 29;  // a picture of the largest size, in numbers
  const auto close = [](std::FILE* f) { return f == stdin ? 0 : std::fclose(f); };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      name == kStandardInput ? stdin : std::fopen(name.c_str(), "rb"), close);
  if (!file)
    throw Error("{}: {}", name,
                errno == ENOENT ? "no such file" : fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::string bytes;
  std::array<char, 65536> chunk;
  while (const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    bytes.append(chunk.data(), n);
    if (!is_png(bytes) && !is_pgm(bytes)) break;  // decoding will say what it is, which may have no end
    if (bytes.size() > kLargest) throw Error("{}: expected a picture of at most {} bytes, found more", name, kLargest);
  }
  if (std::ferror(file.get()) != 0) throw Error("{}: cannot be read: {}", name, std::strerror(errno));
  return bytes;
}

std::string percent(double probability) { return fmt::format("{:.2f} %", 100 * probability); }

// One digit of a picture as the model sees it, and what it makes of that.
struct Answer {
  GrayImage form;
  std::vector<double> probabilities;
  std::vector<ClassProbability> best;  // the likeliest first
};

std::string name_of(const ClassProbability& c, const DataForm& form) { return printable(form.class_name(c.label)); }

std::string caption(const ClassProbability& c, const DataForm& form) {
  return fmt::format("{} {}", name_of(c, form), percent(c.probability));
}

// What is written, as far as it was read: 2026.
std::string read_as(const std::vector<Answer>& answers, const DataForm& form) {
  const bool apart = std::ranges::any_of(answers, [&](const Answer& a) { return name_of(a.best[0], form).size() > 1; });
  std::string text;
  for (const Answer& a : answers) text += (apart && !text.empty() ? " " : "") + name_of(a.best[0], form);
  return text;
}

// The digit, and beside it the likeliest classes.
void print_one(const Answer& answer, const DataForm& form) {
  const std::vector<ClassProbability>& best = answer.best;
  const std::vector<std::string> lines = picture_lines(answer.form, 60);
  const std::string blank(static_cast<std::size_t>(std::min<Index>(answer.form.cols, 60)), ' ');
  const std::size_t first = lines.size() / 2 - std::min(lines.size() / 2, best.size() / 2);
  for (std::size_t i = 0; i < std::max(lines.size(), first + best.size()); ++i) {
    fmt::print("  |{}|", i < lines.size() ? lines[i] : blank);
    if (i >= first && i < first + best.size()) {
      fmt::print("  {:>3} {:>9}", name_of(best[i - first], form), percent(best[i - first].probability));
    }
    fmt::print("\n");
  }
}

// Several digits side by side, as they were written.
void print_several(const std::vector<Answer>& answers, const DataForm& form) {
  std::vector<Tile> tiles;
  for (const Answer& a : answers) tiles.push_back({a.form, caption(a.best[0], form)});
  fmt::print("{}", contact_sheet_text(tiles));
}

void print(const std::string& name, const std::vector<Answer>& answers, const DataForm& form) {
  fmt::print("{}: {}\n", printable(name), read_as(answers, form));
  answers.size() == 1 ? print_one(answers[0], form) : print_several(answers, form);
}

// Of one digit the likeliest classes, of several the likeliest of each.
void print_brief(const std::string& name, const std::vector<Answer>& answers, const DataForm& form) {
  std::vector<std::string> classes;
  if (answers.size() == 1) {
    for (const ClassProbability& c : answers[0].best) classes.push_back(caption(c, form));
    fmt::print("{}: {}\n", printable(name), fmt::join(classes, ", "));
    return;
  }
  for (const Answer& a : answers) classes.push_back(caption(a.best[0], form));
  const std::string line =
      fmt::format("{}: {} ({})", printable(name), read_as(answers, form), fmt::join(classes, ", "));
  fmt::print("{}\n", wrapped(line, terminal_columns(), 4));
}

nlohmann::ordered_json to_json(const Answer& answer, const DataForm& form) {
  nlohmann::ordered_json result{{"prediction", answer.best[0].label}, {"probability", answer.best[0].probability}};
  if (!form.class_names.empty()) result["class_name"] = form.class_name(answer.best[0].label);
  for (const auto& [label, probability] : answer.best) {
    result["top"].push_back({{"class", label}, {"probability", probability}});
  }
  result["probabilities"] = answer.probabilities;
  return result;
}

// How many of the pictures with a label were read as that, a digit and nothing else.
struct Score {
  std::int64_t correct = 0, pictures = 0;

  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(pictures); }
};

// What a picture shows, and why it might be something else.
struct Result {
  std::vector<Answer> answers;
  std::vector<std::string> notices;
};

class Reader {
 public:
  Reader(const PredictOptions& options, SavedModel model)
      : options_(options),
        saved_(std::move(model)),
        size_(std::lround(std::sqrt(static_cast<double>(saved_.inputs)))),
        workers_(options.threads),
        tape_(workers_, Tape::Gradients::none) {
    if (form().rows == 0 && (size_ * size_ != saved_.inputs || size_ < 4)) {
      throw Error("{}: expected a model of square pictures, of 4 x 4 = 16 inputs or more, found one of {} inputs",
                  options.model, saved_.inputs);
    }
  }

  Index classes() const { return saved_.outputs; }
  const DataForm& form() const { return saved_.form; }

  Result read(const std::string& name) {
    NetworkInputs inputs = inputs_from(decode_image(read_all(name), name), name);
    Result result{{}, std::move(inputs.notices)};
    for (GrayImage& form : inputs.pictures) {
      std::vector<double> p = predict(saved_.model, form, saved_.pixels, tape_);
      if (!std::ranges::all_of(p, [](double x) { return std::isfinite(x); })) {
        throw Error("{}: the model's output for it is not finite", name);
      }
      std::vector<ClassProbability> best = likeliest(p, 3);
      result.answers.push_back({std::move(form), std::move(p), std::move(best)});
    }
    return result;
  }

 private:
  NetworkInputs inputs_from(const GrayImage& picture, const std::string& name) const {
    // As they are: pictures like those that the model was trained on.
    if (form().rows > 0) {
      return {{resize(picture, form().rows, form().cols)}, size_notices(picture, std::max(form().rows, form().cols))};
    }
    if (options_.as_is) return {{resize(picture, size_, size_)}, size_notices(picture, size_)};
    return network_inputs(picture, size_, name);
  }

  const PredictOptions& options_;
  const SavedModel saved_;
  const Index size_;
  Workers workers_;
  Tape tape_;
};

}  // namespace

int run_predict(const PredictOptions& options) {
  SavedModel saved = open_model(options);
  if (!saved.form.columns.empty()) return predict_tables(options, saved);
  Reader reader(options, std::move(saved));
  nlohmann::ordered_json results = nlohmann::ordered_json::array(), failures = nlohmann::ordered_json::array();
  Score score;
  const auto predict_file = [&](const Input& input) {
    if (input.label) ++score.pictures;
    const Result result = reader.read(input.name);
    const std::vector<Answer>& answers = result.answers;
    if (answers.size() == 1 && answers[0].best[0].label == input.label) ++score.correct;
    std::fflush(stdout);
    for (const std::string& notice : result.notices) print_error(fmt::format("{}: {}", input.name, notice));
    if (!options.json)
      return options.brief ? print_brief(input.name, answers, reader.form())
                           : print(input.name, answers, reader.form());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      nlohmann::ordered_json entry{{"file", input.name}};
      if (input.label) entry["label"] = *input.label;
      if (answers.size() > 1) entry["digit"] = i + 1;
      entry.update(to_json(answers[i], reader.form()));
      entry["notices"] = result.notices;
      results.push_back(entry);
    }
  };
  // A file that cannot be read is named, and the others are still read.
  const auto attempt = [&](const std::string& name, const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      std::fflush(stdout);
      print_error(error.what());
      failures.push_back({{"file", name}, {"error", error.what()}});
    }
  };
  for (const std::string& name : options.files) {
    attempt(name, [&] {
      std::error_code error;
      if (name == kStandardInput || !fs::is_directory(name, error)) return predict_file({name});
      for (const Input& input : pictures_in(name, reader.classes())) attempt(input.name, [&] { predict_file(input); });
    });
  }
  const bool all_read = failures.empty();
  if (options.json) {
    nlohmann::ordered_json out{{"model", options.model}, {"predictions", results}, {"failures", failures}};
    if (score.pictures > 0) {
      out["accuracy"] = score.accuracy();
      out["correct"] = score.correct;
      out["labelled"] = score.pictures;
    }
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else if (score.pictures > 0) {
    fmt::print("Accuracy {} of {} ({:.4g} %)\n", grouped(score.correct), grouped(score.pictures),
               100 * score.accuracy());
  }
  return all_read ? 0 : 1;
}

}  // namespace TARE_NAMESPACE
