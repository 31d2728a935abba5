#include <tare/apps/data/fetch.h>

#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/signals.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <curl/curl.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace tare {
namespace {

namespace fs = std::filesystem;

// The original files of LeCun, Cortes and Burges.
struct RemoteFile {
  const char* name;
  std::size_t bytes;
  const char* sha256;
};
constexpr RemoteFile kMnist[] = {
    {"train-images-idx3-ubyte.gz", 9'912'422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
    {"train-labels-idx1-ubyte.gz", 28'881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
    {"t10k-images-idx3-ubyte.gz", 1'648'877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
    {"t10k-labels-idx1-ubyte.gz", 4'542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}};
constexpr const char* kMirrors[] = {"https://storage.googleapis.com/cvdf-datasets/mnist/",
                                    "https://ossci-datasets.s3.amazonaws.com/mnist/"};

// By OpenSSL, which comes with libcurl in any case.
std::string sha256(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Error("OpenSSL cannot compute SHA-256");
  }
  return fmt::format("{:02x}", fmt::join(hash.begin(), hash.begin() + size, ""));
}

std::string megabytes(std::size_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

// A file on its way into memory, of which the largest takes 10 MB: until it is verified, there is nothing to clean up.
struct Download {
  const RemoteFile& file;
  const FetchOptions& options;
  Progress& progress;
  std::string bytes = {};
  std::chrono::steady_clock::time_point heard = {};  // the last time that something came
};

// libcurl calls this with what has come; 0 stops the transfer.
std::size_t receive(const char* bytes, std::size_t, std::size_t size, void* download) {
  Download& d = *static_cast<Download*>(download);
  d.heard = std::chrono::steady_clock::now();
  d.bytes.append(bytes, size);
  return d.bytes.size() <= d.file.bytes ? size : 0;
}

// libcurl calls this at least once per second; 1 stops the transfer.
int watch(void* download, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Download& d = *static_cast<Download*>(download);
  d.progress.update(fmt::format("{}: {} of {}", d.file.name, megabytes(d.bytes.size()), megabytes(d.file.bytes)));
  const bool silent = std::chrono::steady_clock::now() - d.heard > std::chrono::seconds(d.options.timeout);
  return silent || stop_signal() != 0 ? 1 : 0;
}

// What is wrong with the bytes, which libcurl left off for the given reason, if any.
std::string fault(const Download& d, const std::string& reason) {
  const auto& [name, bytes, hash] = d.file;
  if (d.bytes.starts_with('<')) return "expected gzip data, found HTML or XML";
  if (d.bytes.size() > bytes) return fmt::format("expected {} bytes, found more", bytes);
  if (d.bytes.empty() && !reason.empty()) return reason;
  if (d.bytes.size() < bytes) {
    return fmt::format("expected {} bytes, found {}{}{}", bytes, d.bytes.size(), reason.empty() ? "" : ": ", reason);
  }
  const std::string found = sha256(d.bytes);
  return found == hash ? "" : fmt::format("expected the SHA-256 {}, found {}", hash, found);
}

// What is wrong with what the URL gives. Empty if the bytes are now those of the file, or a signal has come.
std::string transfer(Download& d, const std::string& url) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> owner(curl_easy_init(), curl_easy_cleanup);
  CURL* curl = owner.get();
  std::array<char, CURL_ERROR_SIZE> message{};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "tare");
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http,file");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer delays no Ctrl-C
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &d);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &d);

  d.bytes.clear();
  std::size_t before = 0;
  CURLcode code = CURLE_OK;
  do {  // A server that was cut off is asked for the rest, as long as it gets on by a hundredth each time.
    before = d.bytes.size();
    d.heard = std::chrono::steady_clock::now();
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(before));
    code = curl_easy_perform(curl);
  } while (code != CURLE_OK && code != CURLE_ABORTED_BY_CALLBACK && d.bytes.size() < d.file.bytes &&
           d.bytes.size() - before > d.file.bytes / 100);
  d.progress.clear();
  if (stop_signal() != 0) return "";
  if (code == CURLE_OK) return fault(d, "");
  if (code == CURLE_ABORTED_BY_CALLBACK) return fault(d, fmt::format("no data for {} s", d.options.timeout));
  return fault(d, message[0] != '\0' ? message.data() : curl_easy_strerror(code));
}

// The verified bytes, or none if a signal has come. Error if no mirror has them.
std::string fetch(const RemoteFile& file, const FetchOptions& options, Progress& progress) {
  std::vector<std::string> mirrors(std::begin(kMirrors), std::end(kMirrors));
  if (!options.mirror.empty()) mirrors = {options.mirror};
  Download download{file, options, progress};
  std::string problems;
  for (const std::string& mirror : mirrors) {
    const std::string url = mirror + (mirror.ends_with('/') ? "" : "/") + file.name;
    if (!problems.empty()) progress.line("{}; trying {}", printable(problems), printable(url));
    const std::string problem = transfer(download, url);
    if (stop_signal() != 0) return "";
    if (problem.empty()) {
      progress.line("Fetched {} ({})", printable(url), megabytes(file.bytes));
      return std::move(download.bytes);
    }
    problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ", url, problem);
  }
  throw Error("{}: could not be fetched: {}", file.name, problems);
}

bool is_there(const fs::path& path, const RemoteFile& file) {
  std::error_code error;
  return fs::file_size(path, error) == file.bytes && sha256(read_file(path)) == file.sha256;
}

}  // namespace

int run_fetch(const FetchOptions& options) {
  watch_signals();
  const fs::path folder = options.folder;
  std::vector<const RemoteFile*> missing;
  for (const RemoteFile& file : kMnist) {
    if (!is_there(folder / file.name, file)) missing.push_back(&file);
  }

  // What cannot be written is found before anything is downloaded.
  std::error_code error;
  fs::path there = folder;
  while (!there.empty() && !fs::exists(there, error)) there = there.parent_path();
  for (const RemoteFile* file : missing) check_writable(there / file->name);

  Progress progress(options.quiet);
  std::vector<std::string> contents;
  for (const RemoteFile* file : missing) {
    if (stop_signal() == 0) contents.push_back(fetch(*file, options, progress));
    if (stop_signal() != 0) {
      progress.line("Stopped by signal {}; {} is as it was", stop_signal(), printable(options.folder));
      return 128 + stop_signal();
    }
  }

  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be written: {}", options.folder, error.message());
  std::list<AtomicFile> files;  // all are written before the first takes its name
  for (std::size_t i = 0; i < missing.size(); ++i) files.emplace_back(folder / missing[i]->name).write(contents[i]);
  for (AtomicFile& file : files) file.commit();
  progress.line("{} has MNIST: {} files fetched, {} were there", printable(options.folder), missing.size(),
                std::size(kMnist) - missing.size());
  return 0;
}

}  // namespace tare
