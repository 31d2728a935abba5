#include <tare/apps/train/run_description.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace tare {

using nlohmann::json;

namespace {

constexpr std::pair<const char*, Curve Curves::*> kCurves[] = {{"batch", &Curves::batch},
                                                               {"epoch_mean", &Curves::epoch_mean},
                                                               {"test", &Curves::test},
                                                               {"validation", &Curves::validation}};

}  // namespace

bool is_utf8(const std::string& text) {
  try {
    json(text).dump();
  } catch (const json::exception&) {
    return false;
  }
  return true;
}

std::map<std::string, std::string> to_metadata(const RunDescription& run) {
  json description{{"options", run.options}, {"data", run.data}};
  for (const auto& [name, position] : {std::pair("log", &run.log), {"layers", &run.layers}}) {
    if (!*position) continue;
    const LogPosition& p = **position;
    description[name] = {{"bytes", p.bytes}, {"crc32", p.crc32}, {"last_line", p.last_line}};
  }
  if (run.curves) {
    for (const auto& [name, curve] : kCurves) {
      const Curve& c = (*run.curves).*curve;
      description["curves"][name] = {{"every", c.every}, {"seen", c.seen}, {"points", c.points}};
    }
  }
  for (const auto& [name, text] : run.options) {
    if (!is_utf8(text)) throw Error("{}: expected a name in UTF-8, which a checkpoint can hold", name);
  }
  return {{"checkpoint", description.dump()}};
}

RunDescription from_metadata(const std::map<std::string, std::string>& metadata, const std::string& file) {
  const auto found = metadata.find("checkpoint");
  if (found == metadata.end()) {
    throw Error("{}: expected a checkpoint, as tare train --checkpoint writes it, found another safetensors file",
                file);
  }
  try {
    const json description = json::parse(found->second);
    RunDescription run;
    description.at("options").get_to(run.options);
    description.at("data").get_to(run.data);
    for (const auto& [name, position] : {std::pair("log", &run.log), {"layers", &run.layers}}) {
      if (!description.contains(name)) continue;
      const json& p = description.at(name);
      *position = {p.at("bytes").get<std::uint64_t>(), p.at("crc32").get<std::uint32_t>(),
                   p.at("last_line").get<std::string>()};
    }
    if (description.contains("curves")) {
      run.curves.emplace();
      for (const auto& [name, curve] : kCurves) {
        const json& c = description.at("curves").at(name);
        Curve& target = (*run.curves).*curve;
        target.every = std::max(c.at("every").get<std::int64_t>(), std::int64_t{1});
        c.at("seen").get_to(target.seen);
        c.at("points").get_to(target.points);
      }
    }
    return run;
  } catch (const json::exception& error) {
    throw Error("{}: its description of the run is damaged: {}", file, error.what());
  }
}

std::string digest_of(const DataSet& data) {
  std::uint32_t crc = 0;
  for (const ImageSet* set : {&data.train, &data.test}) {
    const auto extend = [&](const auto& all) {
      crc = extend_crc32(crc, {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(all[0])});
    };
    extend(set->pixels);
    extend(set->numbers);
    if (data.classes <= 256) {
      extend(label_bytes(*set));
    } else {
      extend(set->labels);
    }
  }
  return fmt::format("{} x {} x {}, {:08x}", data.train.count, data.train.rows, data.train.cols, crc);
}

}  // namespace tare
