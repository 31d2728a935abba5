#include <tare/layers/files/other_formats.h>

#include <algorithm>
#include <cctype>

namespace tare {
namespace {

constexpr const char* kPickle =
    "what torch.save, or pickle, writes; in Python: "
    "safetensors.torch.save_file(torch.load(\"OLD\", weights_only=True), \"NEW.safetensors\")";
constexpr const char* kNumPy =
    "what numpy.savez writes; in Python: "
    "safetensors.numpy.save_file(dict(numpy.load(\"OLD\")), \"NEW.safetensors\")";

struct Format {
  std::string_view begins;
  const char* is;
};
constexpr Format kFormats[] = {
    {"version https://git-lfs", "a Git LFS pointer to the file itself, which git lfs pull fetches"},
    {"\x1f\x8b", "gzip, to be unpacked by gzip -d"},
    {"\x93NUMPY", "a single array of NumPy"},
    {"\x89HDF", "HDF5, as Keras writes"},
    {"\x89PNG", "a PNG picture"},
    {"%PDF", "PDF"},
    {"GGUF", "GGUF"}};

// A zip archive says what it is by the name of its first file, which stands behind a header of 30 bytes.
std::string zip_of(std::string_view beginning) {
  const std::string_view inside = beginning.substr(std::min<std::size_t>(30, beginning.size()));
  const auto holds = [&](std::string_view text) { return inside.find(text) != inside.npos; };
  return holds("data.pkl") ? kPickle : holds(".npy") ? kNumPy : "a zip archive";
}

// ASCII or UTF-8.
bool is_text(std::string_view bytes) {
  const auto is_none = [](unsigned char c) { return (c < ' ' && std::isspace(c) == 0) || c == 0x7f || c >= 0xf8; };
  return std::ranges::none_of(bytes, is_none);
}

}  // namespace

std::string other_format(std::string_view beginning) {
  for (const auto& [begins, is] : kFormats) {
    if (beginning.starts_with(begins)) return is;
  }
  if (beginning.starts_with("PK\3\4")) return zip_of(beginning);
  // The number of pickle's protocol.
  if (beginning.size() > 1 && beginning[0] == '\x80' && beginning[1] >= 2 && beginning[1] <= 5) return kPickle;
  if (!is_text(beginning)) return "";
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  if (first == beginning.npos) return "";
  if (beginning[first] == '<') return "HTML or XML";
  return beginning[first] == '{' || beginning[first] == '[' ? "JSON" : "text";
}

}  // namespace tare
