#include <tare/datasets/picture_folder.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>
#include <tare/datasets/csv.h>
#include <tare/datasets/pictures/gray_image.h>
#include <tare/datasets/split.h>

#include <algorithm>

namespace tare {
namespace {

namespace fs = std::filesystem;

struct Entries {
  std::vector<std::string> folders, files;  // names, sorted
};

// What systems put beside pictures: Unix and macOS with a dot in front, Windows and archives made by macOS without.
bool is_hidden(const std::string& name) {
  return name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini" || name == "__MACOSX";
}

// What is in a folder and not hidden.
Entries entries_of(const fs::path& folder) {
  Entries entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_hidden(name)) continue;
    std::error_code unknown;
    (entry->is_directory(unknown) ? entries.folders : entries.files).push_back(name);
  }
  if (error) throw Error("{}: cannot be read: {}", folder.string(), error.message());
  std::ranges::sort(entries.folders);
  std::ranges::sort(entries.files);
  return entries;
}

// A set and what its labels stand for.
struct Pictures {
  ImageSet set;
  std::vector<std::string> files;  // of each picture
};

void append(Pictures& pictures, const fs::path& file, int label) {
  const GrayImage image = read_image(file);
  ImageSet& set = pictures.set;
  if (set.count == 0) set.rows = image.rows, set.cols = image.cols;
  if (image.rows != set.rows || image.cols != set.cols) {
    throw Error("{}: expected a picture of {} x {} pixels, as {} is, found {} x {}", file.string(), set.rows, set.cols,
                pictures.files[0], image.rows, image.cols);
  }
  set.pixels.insert(set.pixels.end(), image.pixels.begin(), image.pixels.end());
  set.labels.push_back(label);
  pictures.files.push_back(file.string());
  ++set.count;
}

// The pictures of the folders that are named by classes.
Pictures read_pictures(const fs::path& folder, const std::vector<std::string>& classes) {
  Pictures pictures;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const fs::path of_class = folder / classes[label];
    const Entries entries = entries_of(of_class);
    if (!entries.folders.empty()) {
      throw Error("{}: expected pictures of one class, found the folder {}", of_class.string(), entries.folders[0]);
    }
    if (entries.files.empty()) throw Error("{}: expected pictures (PNG or PGM), found none", of_class.string());
    for (const std::string& name : entries.files) append(pictures, of_class / name, static_cast<int>(label));
  }
  return pictures;
}

// At least so many of them.
std::vector<std::string> classes_in(const fs::path& folder, std::size_t least) {
  const Entries entries = entries_of(folder);
  for (const std::string& name : entries.files) {
    const std::string ending = fs::path(name).extension().string();
    if (ending != ".png" && ending != ".pgm") continue;  // a text about the pictures, say
    throw Error("{}: expected in the folder of its class, found beside it", (folder / name).string());
  }
  std::vector<std::string> names = entries.folders;
  for (const std::string& name : names) check_name(name, (folder / name).string());
  sort_classes(names, folder.string());
  if (names.size() < least) {
    throw Error("{}: expected folders of at least {}, found {}", folder.string(),
                least == 1 ? "one class" : "two classes", names.empty() ? "none" : "only " + names[0]);
  }
  return names;
}

// Whether a folder is made of `train` and `test`, with folders in them.
bool is_split(const fs::path& folder) {
  const bool train = has_class_folders(folder / "train"), test = has_class_folders(folder / "test");
  if (!train && !test) return false;
  const std::vector<std::string> names = entries_of(folder).folders;
  if (train && test && names.size() == 2) return true;
  throw Error("{}: expected the folders train and test, with a folder for each class in both, and no others",
              folder.string());
}

std::string digest_of(const ImageSet& set) {
  std::uint32_t crc = extend_crc32(0, {reinterpret_cast<const char*>(set.pixels.data()), set.pixels.size()});
  for (const int label : set.labels) crc = extend_crc32(crc, fmt::format("{},", label));
  return fmt::format("{:08x}", crc);
}

// The test pictures' labels, as training numbers them.
void read_test(DataSet& data, const fs::path& folder, const Pictures& train) {
  std::vector<std::string> names = classes_in(folder, 1);
  for (const std::string& name : names) {
    if (std::ranges::find(data.form.class_names, name) != data.form.class_names.end()) continue;
    throw Error("{}: expected a class that training has, too, found \"{}\"", (folder / name).string(), name);
  }
  Pictures test = read_pictures(folder, names);
  if (test.set.rows != train.set.rows || test.set.cols != train.set.cols) {
    throw Error("{}: expected a picture of {} x {} pixels, as {} is, found {} x {}", test.files[0], train.set.rows,
                train.set.cols, train.files[0], test.set.rows, test.set.cols);
  }
  for (int& label : test.set.labels) {
    const auto place = std::ranges::find(data.form.class_names, names[static_cast<std::size_t>(label)]);
    label = static_cast<int>(place - data.form.class_names.begin());
  }
  data.test = std::move(test.set);
}

}  // namespace

bool has_class_folders(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !entries_of(folder).folders.empty();
}

DataSet load_picture_folder(const fs::path& folder, std::uint64_t seed) {
  DataSet data;
  data.form.own_test = is_split(folder);
  data.form.seed = seed;
  const fs::path of_training = data.form.own_test ? folder / "train" : folder;
  data.form.class_names = classes_in(of_training, 2);
  data.classes = static_cast<int>(data.form.class_names.size());
  Pictures all = read_pictures(of_training, data.form.class_names);
  data.form.rows = all.set.rows;
  data.form.cols = all.set.cols;
  data.form.digest = digest_of(all.set);
  if (data.form.own_test) {
    read_test(data, folder / "test", all);
    data.train = std::move(all.set);
    return data;
  }
  const SplitPlaces places = split_places(all.set.count, std::max<std::int64_t>(1, all.set.count / 5), seed);
  data.train = samples_at(all.set, places.train);
  data.test = samples_at(all.set, places.test);
  for (const std::uint32_t i : places.test) {
    const int label = all.set.labels[i];
    if (std::ranges::find(data.train.labels, label) != data.train.labels.end()) continue;
    throw Error(
        "{}: expected a class that training has, too, found \"{}\", of which seed {} has drawn all pictures for "
        "testing",
        all.files[i], data.form.class_names[static_cast<std::size_t>(label)], seed);
  }
  return data;
}

}  // namespace tare
