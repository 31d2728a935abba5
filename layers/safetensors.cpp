#include "layers/safetensors.h"

#include "core/error.h"
#include "core/file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace tare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are copied to and from files as they are in memory");

constexpr std::uint64_t kLargestHeader = 100'000'000;  // as in the reference implementation

struct DtypeInfo {
  Dtype dtype;
  const char* name;
  std::uint64_t size;
};
constexpr DtypeInfo kDtypes[] = {{Dtype::F32, "F32", 4}, {Dtype::F64, "F64", 8}, {Dtype::I64, "I64", 8}};

const DtypeInfo& info(Dtype dtype) { return *std::ranges::find(kDtypes, dtype, &DtypeInfo::dtype); }

// Parses JSON, in which no object may have a key twice. (Parsers disagree on which of the two counts.)
json parse_header(const std::string& file, std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  std::optional<std::string> repeated;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == json::parse_event_t::object_end) open_objects.pop_back();
    if (event == json::parse_event_t::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  // The parser would take it for the end of the text, and not look at what follows.
  if (text.find('\0') != text.npos) throw Error("{}: its header is not valid JSON: it contains a zero byte", file);
  json header;
  try {
    header = json::parse(text, watch);
  } catch (const json::exception& error) {
    throw Error("{}: its header is not valid JSON: {}", file, error.what());
  }
  if (repeated) throw Error("{}: the key \"{}\" stands twice in its header", file, *repeated);
  return header;
}

std::map<std::string, std::string> parse_metadata(const std::string& file, const json& entries) {
  std::map<std::string, std::string> metadata;
  if (!entries.is_object()) throw Error("{}: expected an object as __metadata__, found {}", file, entries.type_name());
  for (const auto& [key, value] : entries.items()) {
    if (!value.is_string()) {
      throw Error("{}: expected a string as the metadata \"{}\", found {}", file, key, value.type_name());
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
    throw Error("{}: {}: expected an array \"{}\"", file, name, key);
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

Place parse_place(const std::string& file, const std::string& name, const json& entry) {
  if (!entry.is_object()) throw Error("{}: {}: expected an object, found {}", file, name, entry.type_name());
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      throw Error("{}: {}: expected dtype, shape and data_offsets, found \"{}\"", file, name, key);
    }
  }
  const std::string dtype = entry.contains("dtype") && entry["dtype"].is_string() ? entry["dtype"] : json("nothing");
  const auto* known = std::ranges::find(kDtypes, dtype, &DtypeInfo::name);
  if (known == std::end(kDtypes))
    throw Error("{}: {}: expected the dtype F32, F64 or I64, found {}", file, name, dtype);

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
  return {name, known->dtype, {shape.begin(), shape.end()}, offsets[0], offsets[1]};
}

}  // namespace

Safetensors read_safetensors(const fs::path& path) {
  const std::string file = path.string(), contents = read_file(path);
  std::uint64_t header_size;
  if (contents.size() < sizeof(header_size)) {
    throw Error("{}: expected a safetensors file, found {} bytes", file, contents.size());
  }
  std::memcpy(&header_size, contents.data(), sizeof(header_size));
  if (header_size > kLargestHeader) {
    throw Error("{}: expected a safetensors header of at most {} bytes, found {}", file, kLargestHeader, header_size);
  }
  const std::string_view behind_size = std::string_view(contents).substr(sizeof(header_size));
  if (header_size > behind_size.size()) {
    throw Error("{}: truncated in its header: expected {} bytes, found {}", file, header_size, behind_size.size());
  }
  const std::string_view header_text = behind_size.substr(0, header_size), data = behind_size.substr(header_size);
  if (!header_text.starts_with('{')) throw Error("{}: its safetensors header does not begin with {{", file);

  Safetensors result;
  std::vector<Place> places;
  const json header = parse_header(file, header_text);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      result.metadata = parse_metadata(file, entry);
    } else {
      places.push_back(parse_place(file, name, entry));
    }
  }

  std::ranges::sort(places, {}, [](const Place& p) { return std::pair(p.begin, p.end); });
  std::uint64_t end = 0;
  for (const Place& p : places) {
    if (p.begin != end) {
      throw Error("{}: {}: expected its bytes to begin at {}, where the tensor before ends, found {}", file, p.name,
                  end, p.begin);
    }
    end = p.end;
  }
  if (end != data.size()) {
    throw Error("{}: {}: expected {} bytes behind the header, found {}", file,
                end > data.size() ? "truncated" : "too long", end, data.size());
  }
  for (const Place& p : places) {
    const auto bytes = std::as_bytes(std::span(data.substr(p.begin, p.end - p.begin)));
    result.tensors[p.name] = {p.dtype, p.shape, {bytes.begin(), bytes.end()}};
  }
  return result;
}

void write_safetensors(const fs::path& file, const Safetensors& contents) {
  // The widest type first keeps every tensor aligned, and is how the reference implementation orders them.
  std::vector<const std::pair<const std::string, TensorData>*> order;
  for (const auto& tensor : contents.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater{}, [](const auto* tensor) { return info(tensor->second.dtype).size; });

  json header = json::object();
  if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
  std::uint64_t offset = 0;
  for (const auto* tensor : order) {
    const auto& [name, data] = *tensor;
    const std::uint64_t end = offset + data.bytes.size();
    header[name] = {{"dtype", info(data.dtype).name}, {"shape", data.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t size = text.size();

  AtomicFile out(file);
  out.write({reinterpret_cast<const char*>(&size), sizeof(size)});
  out.write(text);
  for (const auto* tensor : order) {
    const auto& bytes = tensor->second.bytes;
    out.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  out.commit();
}

}  // namespace tare
