// tare predict: classifies pictures and shows them as the model sees them.
#include <tare/apps/cli/progress.h>
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
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

namespace TARE_NAMESPACE {
namespace {

namespace fs = std::filesystem;

const std::string kStandardInput = "-";

bool is_picture(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".pgm";
}

// The pictures of a folder in the order of their names.
std::vector<std::string> pictures_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (is_picture(entry->path()) && entry->is_regular_file(error)) files.push_back(entry->path().string());
  }
  if (error) throw Error("{}: cannot be read: {}", folder, error.message());
  if (files.empty()) throw Error("{}: expected a folder with PNG or PGM files, found none", folder);
  std::ranges::sort(files);
  return files;
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

// The picture, and beside it the likeliest classes.
void print(const std::string& name, const GrayImage& picture, const std::vector<ClassProbability>& best,
           const DataForm& form) {
  fmt::print("{}: {}\n", name, form.class_name(best[0].label));
  const std::vector<std::string> lines = picture_lines(picture);
  const std::size_t first = lines.size() / 2 - std::min(lines.size() / 2, best.size() / 2);
  for (std::size_t i = 0; i < std::max(lines.size(), first + best.size()); ++i) {
    fmt::print("  |{}|", i < lines.size() ? lines[i] : std::string(static_cast<std::size_t>(picture.cols), ' '));
    if (i >= first && i < first + best.size()) {
      fmt::print("  {:>3} {:>9}", form.class_name(best[i - first].label), percent(best[i - first].probability));
    }
    fmt::print("\n");
  }
}

void print_brief(const std::string& name, const std::vector<ClassProbability>& best, const DataForm& form) {
  std::vector<std::string> classes;
  for (const auto& [label, probability] : best)
    classes.push_back(fmt::format("{} {}", form.class_name(label), percent(probability)));
  fmt::print("{}: {}\n", name, fmt::join(classes, ", "));
}

}  // namespace

int run_predict(const PredictOptions& options) {
  const SavedModel saved = open_model(options);
  if (!saved.form.columns.empty()) return predict_tables(options, saved);
  const DataForm& form = saved.form;
  const bool as_is = options.as_is || form.rows > 0;  // as the pictures that the model was trained on
  const auto size = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(saved.inputs))));
  if (form.rows == 0 && (size * size != saved.inputs || size < 4)) {
    throw Error("{}: expected a model of square pictures, of 4 x 4 = 16 inputs or more, found one of {} inputs",
                options.model, saved.inputs);
  }
  Workers workers(options.threads);
  Tape tape(workers, Tape::Gradients::none);
  nlohmann::ordered_json results = nlohmann::ordered_json::array(), failures = nlohmann::ordered_json::array();
  const auto predict_file = [&](const std::string& name) {
    const GrayImage whole = decode_image(read_all(name), name);
    const GrayImage picture = as_is ? resize(whole, form.rows > 0 ? form.rows : size, form.rows > 0 ? form.cols : size)
                                    : network_input(whole, size, name);
    const std::vector<double> p = predict(saved.model, picture, saved.pixels, tape);
    if (!std::ranges::all_of(p, [](double x) { return std::isfinite(x); })) {
      throw Error("{}: the model's output for it is not finite", name);
    }
    const std::vector<ClassProbability> best = likeliest(p, 3);
    if (!options.json) return options.brief ? print_brief(name, best, form) : print(name, picture, best, form);
    nlohmann::ordered_json result{{"file", name}, {"prediction", best[0].label}, {"probability", best[0].probability}};
    if (!form.class_names.empty()) result["class_name"] = form.class_name(best[0].label);
    for (const auto& [label, probability] : best)
      result["top"].push_back({{"class", label}, {"probability", probability}});
    result["probabilities"] = p;
    results.push_back(result);
  };
  // A file that cannot be read is named, and the others are still read.
  const auto attempt = [&](const std::string& name, const auto& action) {
    try {
      action(name);
    } catch (const Error& error) {
      std::fflush(stdout);
      print_error(error.what());
      failures.push_back({{"file", name}, {"error", error.what()}});
    }
  };
  for (const std::string& name : options.files) {
    attempt(name, [&](const std::string&) {
      std::error_code error;
      if (name == kStandardInput || !fs::is_directory(name, error)) return predict_file(name);
      for (const std::string& file : pictures_in(name)) attempt(file, predict_file);
    });
  }
  const bool all_read = failures.empty();
  if (options.json) {
    nlohmann::ordered_json out{{"model", options.model}, {"predictions", results}, {"failures", failures}};
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return all_read ? 0 : 1;
}

}  // namespace TARE_NAMESPACE
