#include <tare/apps/playground/requests.h>

#include <tare/apps/playground/drawing.h>
#include <tare/apps/playground/network.h>
#include <tare/apps/playground/tape_table.h>
#include <tare/apps/train/regions.h>
#include <tare/core/machine/file.h>

#include <nlohmann/json.hpp>

#include <memory>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::json;

// The network that this worker trains, and a model from a file.
std::unique_ptr<Network> network;
std::optional<SavedModel> loaded;

Network& trained() {
  if (!network) throw Error("network: expected one, found none");
  return *network;
}

template <class T, std::size_t N>
T named(const json& request, const char* key, const std::array<std::pair<const char*, T>, N>& names, T standard) {
  if (!request.contains(key)) return standard;
  const std::string found = request.at(key);
  for (const auto& [name, value] : names) {
    if (found == name) return value;
  }
  throw Error("{}: \"{}\" is none that there is", key, found);
}

constexpr std::array kNorms{std::pair{"batch", Norm::batch}, std::pair{"none", Norm::none},
                            std::pair{"layer", Norm::layer}};
constexpr std::array kBiases{std::pair{"auto", BiasRule::drop_cancelled}, std::pair{"keep", BiasRule::keep}};
constexpr std::array kOptimizers{std::pair{"sgd", OptimizerKind::sgd}, std::pair{"adam", OptimizerKind::adam},
                                 std::pair{"adamw", OptimizerKind::adamw}};

// What the request says of a network; what it does not say stays.
NetworkOptions network_options(const json& r, NetworkOptions o) {
  o.data = r.value("data", o.data);
  o.samples = r.value("samples", o.samples);
  if (r.contains("hidden")) o.hidden = r.at("hidden").get<std::vector<Index>>();
  o.norm = named(r, "norm", kNorms, o.norm);
  o.bias = named(r, "bias", kBiases, o.bias);
  o.activation = named(r, "activation", kActivationNames, o.activation);
  o.init_scale = r.value("init_scale", o.init_scale);
  o.seed = r.value("seed", o.seed);
  o.optimizer = named(r, "optimizer", kOptimizers, o.optimizer);
  o.lr = r.value("lr", o.lr);
  o.momentum = r.value("momentum", o.momentum);
  o.weight_decay = r.value("weight_decay", o.weight_decay);
  o.batch = r.value("batch", o.batch);
  return o;
}

json to_json(const Histogram& h) {
  return {{"low", h.low}, {"high", h.high}, {"counts", h.counts}, {"below", h.below}, {"above", h.above}};
}

json to_json(const Inside& inside) {
  json activations = json::array(), parameters = json::array();
  for (const ActivationView& a : inside.activations) {
    activations.push_back({{"place", a.place},
                           {"samples", a.samples},
                           {"units", a.units},
                           {"input", to_json(a.input)},
                           {"gradient", to_json(a.gradient)},
                           {"zero_gradients", a.zero_gradients},
                           {"input_mean", a.input_mean},
                           {"input_deviation", a.input_deviation},
                           {"gradient_rms", a.gradient_rms},
                           {"dead_share", a.dead_share},
                           {"unit_mean", a.unit_mean},
                           {"unit_deviation", a.unit_deviation}});
  }
  for (const ParameterView& p : inside.parameters) {
    parameters.push_back({{"name", p.name},
                          {"role", p.role},
                          {"norm", p.norm},
                          {"gradient_norm", p.gradient_norm},
                          {"update_ratio", p.update_ratio ? json(*p.update_ratio) : json()},
                          {"cancelled", p.cancelled}});
  }
  return {{"activations", activations}, {"parameters", parameters}};
}

// ---- Curves and what is inside --------------------------------------------------------------------------------------

json describe(const Network& n) {
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < n.model().size(); ++i) layers.push_back(n.model()[i].describe());
  return {{"description", n.model().describe()}, {"layers", layers}, {"parameters", count_parameters(n.model())}};
}

json create(const json& request) {
  network = std::make_unique<Network>(network_options(request, {}));
  return describe(*network);
}

json change(const json& request) {
  trained().change(network_options(request, trained().options()));
  return json::object();
}

json steps(const json& request) {
  const StepsResult result = trained().steps(request.value("count", Index{1}), request.value("inspect", false));
  json reply = {{"step", trained().step()}, {"loss", result.loss}, {"diverged", result.diverged}};
  if (result.inside) reply["inside"] = to_json(*result.inside);
  return reply;
}

json test(const json&) {
  const Evaluation e = trained().test();
  return {{"loss", e.loss}, {"accuracy", e.accuracy()}};
}

json digest(const json&) { return {{"digest", fmt::format("{:08x}", digest_of(trained().model()))}}; }

// The class of every point of the plane, and its probability as 0 ... 255.
json regions(std::string& bytes) {
  Workers workers(1);
  const Network& n = trained();
  check(n.data().train.features() == 2, "regions", "data of two numbers a sample", n.data().train.features());
  const Regions r = decision_regions(n.model(), Plane(n.data()), Pixels::standard, workers);
  bytes.assign(r.classes.begin(), r.classes.end());
  for (const float p : r.probabilities) bytes += static_cast<char>(static_cast<unsigned char>(255 * p));
  return {{"side", Regions::kSide}};
}

// The first samples of the training or the test set: their labels, and in `bytes` their pixels.
json samples(const json& request, std::string& bytes) {
  const DataSet& data = trained().data();
  const ImageSet& set = request.value("test", false) ? data.test : data.train;
  const std::int64_t count = std::clamp<std::int64_t>(request.value("count", 100), 0, set.count);
  bytes.assign(set.pixels.begin(), set.pixels.begin() + static_cast<std::ptrdiff_t>(count * set.features()));
  const std::vector<int> labels(set.labels.begin(), set.labels.begin() + static_cast<std::ptrdiff_t>(count));
  return {{"rows", set.rows}, {"cols", set.cols}, {"labels", labels}};
}

// ---- Models ---------------------------------------------------------------------------------------------------------

const std::string kFile = "model.safetensors";

json save(std::string& bytes) {
  save_model(kFile, trained().model(), trained().options().activation, Pixels::standard);
  bytes = read_file(kFile);
  return json::object();
}

json load(const json& request, const std::string& bytes) {
  const std::string name = request.value("name", kFile);
  SavedModel model = load_model(decode_safetensors(bytes, name), name);
  check_for_digits(model, name);
  loaded.emplace(std::move(model));
  return {{"description", loaded->model.describe()}, {"parameters", count_parameters(loaded->model)}};
}

// A picture, {"rows", "cols"} and a byte for each pixel, as a network sees it and what that makes of it.
json predict(const json& request, const std::string& bytes) {
  const bool from_file = request.value("loaded", false);
  if (from_file && !loaded) throw Error("model: expected one that was loaded, found none");
  const Sequential& model = from_file ? loaded->model : trained().model();
  if (!from_file && trained().data().train.features() != kDigitPixels) {
    throw Error("the network was trained on {}: expected one that knows digits", trained().options().data);
  }
  const std::int64_t rows = request.at("rows"), cols = request.at("cols"), found = std::ssize(bytes);
  if (rows < 1 || cols < 1 || found % rows != 0 || found / rows != cols) {
    throw Error("picture: expected {} x {} bytes, found {}", rows, cols, found);
  }
  GrayImage picture(rows, cols);
  picture.pixels.assign(bytes.begin(), bytes.end());
  return read_digits(model, from_file ? loaded->pixels : Pixels::standard, picture);
}

json reply_to(const json& request, const std::string& bytes, std::string& reply_bytes) {
  const std::string ask = request.at("ask");
  if (ask == "create") return create(request);
  if (ask == "change") return change(request);
  if (ask == "steps") return steps(request);
  if (ask == "test") return test(request);
  if (ask == "digest") return digest(request);
  if (ask == "regions") return regions(reply_bytes);
  if (ask == "samples") return samples(request, reply_bytes);
  if (ask == "save") return save(reply_bytes);
  if (ask == "load") return load(request, bytes);
  if (ask == "predict") return predict(request, bytes);
  if (ask == "tape") return tape_table(request);
  throw Error("\"{}\" is nothing that can be asked for", ask);
}

}  // namespace
}  // namespace TARE_NAMESPACE

namespace tare {

Answer answer(const std::string& request, const std::string& bytes) {
  Answer answer;
  answer.json = reply_to(json::parse(request), bytes, answer.bytes).dump();
  return answer;
}

}  // namespace tare
