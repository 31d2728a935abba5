// The names of choices, on the command line and in files.
#pragma once

#include <tare/apps/cli/options.h>

#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

namespace tare {

template <class T>
using Names = std::vector<std::pair<const char*, T>>;

inline const Names<Activation> kActivations{kActivationNames.begin(), kActivationNames.end()};
inline const Names<Pixels> kPixels{kPixelsNames.begin(), kPixelsNames.end()};
inline const Names<Norm> kNorms{{"batch", Norm::batch}, {"layer", Norm::layer}, {"none", Norm::none}};
inline const Names<BiasRule> kBiasRules{{"auto", BiasRule::drop_cancelled}, {"keep", BiasRule::keep}};
inline const Names<NormPlace> kNormPlaces{{"before", NormPlace::before}, {"after", NormPlace::after}};
inline const Names<Trained> kTrained{{"all", Trained::all}, {"norm", Trained::norm}};
inline const Names<Decay> kDecays{{"all", Decay::all}, {"weights", Decay::weights}};
inline const Names<Keep> kKeeps{{"last", Keep::last}, {"best", Keep::best}};
inline const Names<bool BatchNormParts::*> kBatchNormParts{
    {"mean", &BatchNormParts::mean}, {"variance", &BatchNormParts::variance}, {"affine", &BatchNormParts::affine}};
inline const Names<BatchNormKind> kBatchNormKinds{
    {"fused", BatchNormKind::fused}, {"composed", BatchNormKind::composed}, {"diagonal", BatchNormKind::diagonal}};
inline const Names<OptimizerKind> kOptimizers{
    {"sgd", OptimizerKind::sgd}, {"adam", OptimizerKind::adam}, {"adamw", OptimizerKind::adamw}};
inline const Names<Work> kWorks{{"W1", Work::w1}, {"W2", Work::w2}, {"W3", Work::w3}, {"W4", Work::w4}};
inline const Names<Statistics> kStatistics{
    {"running", Statistics::running}, {"batch", Statistics::batch}, {"again", Statistics::again}};
inline const Names<Precision> kPrecisions{{"float", Precision::float32}, {"double", Precision::float64}};
inline const Names<Exhibit> kExhibits{{"note-1", Exhibit::note_1},
                                      {"note-2", Exhibit::note_2},
                                      {"note-3", Exhibit::note_3},
                                      {"backward", Exhibit::backward},
                                      {"shift", Exhibit::shift},
                                      {"jacobian", Exhibit::jacobian},
                                      {"diagonal", Exhibit::diagonal},
                                      {"training", Exhibit::training},
                                      {"where-not", Exhibit::where_not},
                                      {"scale", Exhibit::scale},
                                      {"1", Exhibit::shift},
                                      {"2", Exhibit::jacobian},
                                      {"3", Exhibit::diagonal},
                                      {"4", Exhibit::training},
                                      {"5", Exhibit::where_not},
                                      {"6", Exhibit::scale}};

/// The value that has this name. UsageError, naming `what`, if there is none.
template <class T>
T named(const Names<T>& names, const std::string& name, const std::string& what) {
  std::vector<const char*> known;
  for (const auto& [known_name, value] : names) {
    if (name == known_name) return value;
    known.push_back(known_name);
  }
  throw UsageError("{}: expected {}, found \"{}\"", what, fmt::join(known, ", "), name);
}

template <class T>
const char* name_in(const Names<T>& names, T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "";
}

}  // namespace tare
