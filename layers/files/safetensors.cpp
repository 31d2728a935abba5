#include <tare/layers/files/safetensors.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/layers/files/other_formats.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

namespace tare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kLargestHeader = 100'000'000;  // as in the reference implementation
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kDigest = "tensors_crc32";  // the entry of the metadata

struct DtypeInfo {
  Dtype dtype;
  const char* name;
  std::uint64_t size;
};
constexpr DtypeInfo kDtypes[] = {{Dtype::F32, "F32", 4},
                                 {Dtype::F64, "F64", 8},
                                 {Dtype::F16, "F16", 2},
                                 {Dtype::BF16, "BF16", 2},
                                 {Dtype::I64, "I64", 8}};

const DtypeInfo& info(Dtype dtype) { return *std::ranges::find(kDtypes, dtype, &DtypeInfo::dtype); }

// A name from a file as it can stand in a message: on one line.
std::string printable(const std::string& name) {
  const std::string quoted = json(name).dump();
  return quoted.substr(1, quoted.size() - 2);
}

json parse_header(const std::string& file, std::string_view text) {
  // The parser would take it for the end of the text, and not look at what follows.
  if (text.find('\0') != text.npos) throw Error("{}: its header is not valid JSON: it contains a zero byte", file);
  // A key that stands twice is an error, because parsers disagree on which of the two counts; so is what is nested
  // deeper than an array in a tensor's entry.
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error("{}: the key {} stands twice in its header", file, parsed.dump());
    }
    if (depth >= 3 && (event == Event::object_start || event == Event::array_start)) {
      throw Error("{}: its header is nested too deeply", file);
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    const bool utf8 = std::string_view(error.what()).find("UTF-8") == std::string_view::npos;
    throw Error("{}: its header is not valid {}: {}", file, utf8 ? "JSON" : "UTF-8", error.what());
  }
}

std::map<std::string, std::string> parse_metadata(const std::string& file, const json& entries) {
  std::map<std::string, std::string> metadata;
  if (!entries.is_object()) throw Error("{}: expected an object as __metadata__, found {}", file, entries.type_name());
  for (const auto& [key, value] : entries.items()) {
    if (!value.is_string()) {
      throw Error("{}: expected a string as the metadata \"{}\", found {}", file, printable(key), value.type_name());
    }
    metadata[key] = value;
  }
  return metadata;
}

// Where a tensor lies among the bytes behind the header.
struct Place {
  std::string name;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

std::vector<std::uint64_t> parse_numbers(const std::string& file, const std::string& name, const json& entry,
                                         const char* key) {
  if (!entry.contains(key) || !entry[key].is_array()) {
    throw Error("{}: {}: expected an array \"{}\", found {}", file, name, key,
                entry.contains(key) ? entry[key].type_name() : "nothing");
  }
  std::vector<std::uint64_t> numbers;
  for (const json& number : entry[key]) {
    constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > kLargest) {
      throw Error("{}: {}: expected whole numbers from 0 to 2^63 - 1 in \"{}\", found {}", file, name, key,
                  number.dump());
    }
    numbers.push_back(number);
  }
  return numbers;
}

Place parse_place(const std::string& file, const std::string& tensor, const json& entry) {
  const std::string name = printable(tensor);
  if (!entry.is_object()) throw Error("{}: {}: expected an object, found {}", file, name, entry.type_name());
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      throw Error("{}: {}: expected dtype, shape and data_offsets, found \"{}\"", file, name, printable(key));
    }
  }
  const std::string dtype = entry.contains("dtype") && entry["dtype"].is_string() ? entry["dtype"] : json("nothing");
  const auto* known = std::ranges::find(kDtypes, dtype, &DtypeInfo::name);
  if (known == std::end(kDtypes)) {
    throw Error("{}: {}: expected the dtype F32, F64, F16, BF16 or I64, found {}", file, name, printable(dtype));
  }

  const std::vector<std::uint64_t> shape = parse_numbers(file, name, entry, "shape");
  const std::vector<std::uint64_t> offsets = parse_numbers(file, name, entry, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    throw Error("{}: {}: expected data_offsets [begin, end], found [{}]", file, name, fmt::join(offsets, ", "));
  }
  std::uint64_t bytes = known->size;
  for (std::uint64_t n : shape) {
    if (__builtin_mul_overflow(bytes, n, &bytes)) {
      throw Error("{}: {}: the shape [{}] is too large", file, name, fmt::join(shape, ", "));
    }
  }
  if (bytes != offsets[1] - offsets[0]) {
    throw Error("{}: {}: expected {} bytes for {} [{}], found {}", file, name, bytes, dtype, fmt::join(shape, ", "),
                offsets[1] - offsets[0]);
  }
  return {tensor, known->dtype, {shape.begin(), shape.end()}, offsets[0], offsets[1]};
}

constexpr std::uint64_t kBeginning = 512;  // bytes, enough to tell other formats by

// The length of the header, from the first bytes of a file of `file_size` bytes.
std::uint64_t parse_header_size(const std::string& file, std::string_view first_bytes, std::uint64_t file_size) {
  std::uint64_t size = 0;
  if (first_bytes.size() < sizeof(size))
    throw Error("{}: expected a safetensors file, found {} bytes", file, file_size);
  for (std::size_t i = sizeof(size); i > 0; --i) size = size << 8 | static_cast<unsigned char>(first_bytes[i - 1]);
  const bool fits = size <= kLargestHeader && size <= file_size - sizeof(size);
  if (!fits || !first_bytes.substr(sizeof(size)).starts_with('{')) {
    const std::string other = other_format(first_bytes.substr(0, kBeginning));
    if (!other.empty()) throw Error("{}: expected a safetensors file, found {}", file, other);
  }
  if (size > kLargestHeader) {
    throw Error("{}: no safetensors file: expected a header of at most {} bytes, found {}", file, kLargestHeader, size);
  }
  if (const std::uint64_t found = file_size - sizeof(size); size > found) {
    throw Error("{}: truncated in its header: expected {} bytes, found {}", file, size, found);
  }
  return size;
}

struct Layout {
  std::map<std::string, std::string> metadata;
  std::vector<Place> places;  // in the order of their bytes
};

Layout parse_layout(const std::string& file, std::string_view header_text, std::uint64_t data_size) {
  if (!header_text.starts_with('{')) {
    const std::string found =
        header_text.empty() ? "nothing" : fmt::format("the byte {:#04x}", static_cast<unsigned char>(header_text[0]));
    throw Error("{}: its safetensors header does not begin with {{: found {}", file, found);
  }
  Layout layout;
  const json header = parse_header(file, header_text);
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      layout.metadata = parse_metadata(file, entry);
    } else {
      layout.places.push_back(parse_place(file, name, entry));
    }
  }
  std::ranges::sort(layout.places, {}, [](const Place& p) { return std::pair(p.begin, p.end); });
  std::uint64_t end = 0;
  for (const Place& p : layout.places) {
    if (p.begin != end) {
      throw Error("{}: {}: {} the tensor before: expected its bytes to begin at {}, found {}", file, printable(p.name),
                  p.begin < end ? "overlaps" : "leaves a hole behind", end, p.begin);
    }
    end = p.end;
  }
  if (end != data_size) {
    throw Error("{}: {}: expected {} bytes behind the header, found {}", file,
                end > data_size ? "truncated" : "too long", end, data_size);
  }
  return layout;
}

// The same for all files that hold the same tensors in the same order.
std::string digest_of(std::uint32_t crc32) { return fmt::format("{:08x}", crc32); }

// What reading would refuse.
void check_writable_tensor(const std::string& file, const std::string& name, const TensorData& data) {
  if (name == kMetadata) throw Error("{}: cannot be written: {} is no name for a tensor", file, name);
  std::uint64_t bytes = info(data.dtype).size;
  for (const std::int64_t n : data.shape) bytes *= static_cast<std::uint64_t>(n);
  if (bytes != data.bytes.size()) {
    throw Error("{}: cannot be written: {}: expected {} bytes for [{}], found {}", file, printable(name), bytes,
                fmt::join(data.shape, ", "), data.bytes.size());
  }
}

// Numbers of `size` bytes each from the processor's order to the file's, which is little-endian, or back.
std::string reordered(std::string bytes, std::uint64_t size) {
  if constexpr (std::endian::native == std::endian::big) {
    for (auto i = bytes.begin(); i < bytes.end(); i += static_cast<std::ptrdiff_t>(size)) {
      std::reverse(i, i + static_cast<std::ptrdiff_t>(size));
    }
  }
  return bytes;
}

std::string file_bytes(const TensorData& data) {
  return reordered({reinterpret_cast<const char*>(data.bytes.data()), data.bytes.size()}, info(data.dtype).size);
}

Safetensors take_tensors(const std::string& file, Layout layout, std::string_view data) {
  Safetensors result{.tensors = {}, .metadata = std::move(layout.metadata)};
  if (const auto digest = result.metadata.extract(kDigest)) {
    if (const std::string found = digest_of(extend_crc32(0, data)); digest.mapped() != found) {
      throw Error("{}: damaged: expected tensors with the {} {}, found {}", file, kDigest, printable(digest.mapped()),
                  found);
    }
  }
  for (const Place& p : layout.places) {
    const std::string text = reordered(std::string(data.substr(p.begin, p.end - p.begin)), info(p.dtype).size);
    const auto bytes = std::as_bytes(std::span(text));
    result.tensors[p.name] = {p.dtype, p.shape, {bytes.begin(), bytes.end()}};
  }
  return result;
}

}  // namespace

Safetensors decode_safetensors(std::string_view bytes, const std::string& file) {
  const std::uint64_t header_size = parse_header_size(file, bytes, bytes.size());
  const std::string_view header = bytes.substr(sizeof(header_size), header_size);
  const std::string_view data = bytes.substr(sizeof(header_size) + header_size);
  return take_tensors(file, parse_layout(file, header, data.size()), data);
}

Safetensors read_safetensors(const fs::path& path) {
  // The header first: a file that is not as long as it says is not worth its memory.
  const std::string file = path.string();
  constexpr std::uint64_t kSizeBytes = sizeof(std::uint64_t);
  const std::string first_bytes = read_file(path, kBeginning);
  const std::uint64_t size = size_of_file(path);
  const std::uint64_t data_begin = kSizeBytes + parse_header_size(file, first_bytes, size);
  parse_layout(file, std::string_view(read_file(path, data_begin)).substr(kSizeBytes), size - data_begin);
  return decode_safetensors(read_file(path), file);
}

void write_safetensors(const fs::path& file, const Safetensors& contents) {
  // The widest type first keeps every tensor aligned, and is how the reference implementation orders them.
  std::vector<const std::pair<const std::string, TensorData>*> order;
  for (const auto& tensor : contents.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater{}, [](const auto* tensor) { return info(tensor->second.dtype).size; });

  json header = json::object();
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;
  for (const auto* tensor : order) {
    const auto& [name, data] = *tensor;
    check_writable_tensor(file.string(), name, data);
    const std::uint64_t end = offset + data.bytes.size();
    header[name] = {{"dtype", info(data.dtype).name}, {"shape", data.shape}, {"data_offsets", {offset, end}}};
    offset = end;
    crc = extend_crc32(crc, file_bytes(data));
  }
  header[kMetadata] = contents.metadata;
  header[kMetadata][kDigest] = digest_of(crc);
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw Error("{}: cannot be written: a name or the metadata is not valid UTF-8", file.string());
  }
  text.append((8 - text.size() % 8) % 8, ' ');

  AtomicFile out(file);
  std::string size;
  for (int shift = 0; shift < 64; shift += 8) size += static_cast<char>(std::uint64_t{text.size()} >> shift);
  out.write(size);
  out.write(text);
  for (const auto* tensor : order) out.write(file_bytes(tensor->second));
  out.commit();
}

}  // namespace tare
