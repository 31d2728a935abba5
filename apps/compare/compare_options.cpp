#include <tare/apps/compare/compare_options.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>

namespace tare {

void add_compare_options(Command& c, CompareOptions& o, Unresolved& u, CompareArguments& a) {
  c.group(Group::run)
      .option("--experiment", "NAME", fmt::format("Other defaults: {}", fmt::join(experiment_names(), ", ")),
              [&](const std::string& option, const std::string& text) {
                a.experiment = experiment_named(text, option);
                o.experiment = text;
                o.measure = a.experiment->measure;
                read_words(option, a.experiment->words, o.base, u);
                o.base.eval_every = a.experiment->eval_every;
                o.seeds = a.experiment->seeds;
              });
  c.group(Group::output)
      .text("--out", "DIR", "Where to write; what stands there of the same comparison is not run again", o.out);
  c.group(Group::run);
  c.list("--variant", "V",
         "NAME:OPTIONS, as in 'wide:--hidden 500 --norm layer'; may be given often [no BatchNorm, BatchNorm + bias, "
         "BatchNorm]",
         a.variants);
  c.option("--lrs", "R,R,...", "Learning rates, of every variant without --lr [0.01,0.1,1]",
           [&a](const std::string& option, const std::string& text) {
             a.lrs.clear();
             for (std::string_view rest = text;;) {
               const auto [rate, others] = split_at(rest, ',');
               a.lrs.push_back(number<double>(option, rate, 0, kLargest));
               if (rest.find(',') == rest.npos) break;
               rest = others;
             }
           });
  c.number<Index>("--seeds", "N", "Train every variant from N seeds [5]", 1, 1000, o.seeds);
  c.number<std::uint64_t>("--seed", "N", "The first of them [1]", 0, kLargestSeed - 1000, o.base.seed);
  c.number<Index>("--eval-every", "K", "Evaluate every K steps, besides the ends of epochs [50]", 1, kMany,
                  o.base.eval_every);
  c.option("--part", "I/N",
           "Only every N-th run, from the I-th: for many machines and one folder [all, and the report]",
           [&o](const std::string& option, const std::string& text) {
             const auto [number_of, of] = split_at(text, '/');
             if (text.find('/') == text.npos) {
               throw UsageError("{}: expected I/N, as 1/4 for the first of four parts, found \"{}\"", option, text);
             }
             Part& part = o.part.emplace();
             part.of = number<Index>(option, of, 1, kMany);
             part.number = number<Index>(option, number_of, 1, part.of);
           });
  c.flag("--dry-run", "Only print what would run, what is done already, and about how long the rest takes", o.dry_run);
  add_common(c, o.base.data, o.base.threads, o.base.quiet, o.base.json);
  add_test(c, o.base.test);
  add_precision(c, o.base.precision);
  c.group(Group::output)
      .flag("--layers", "Write layers.csv: what every layer did wherever the test set is evaluated", o.layers);
  add_run_options(c, o.base, u);
}

void resolve(CompareOptions& o, const Unresolved& base, const CompareArguments& a) {
  if (o.out.empty()) throw UsageError("--out: expected the folder to write to, found nothing");
  std::vector<VariantWords> variants = a.experiment ? a.experiment->variants : default_variants();
  if (!a.variants.empty()) {
    variants.clear();
    for (const std::string& text : a.variants) {
      const auto [name, words] = split_at(text, ':');
      variants.push_back({.name = std::string(name), .words = std::string(words)});
    }
  }
  if (a.experiment) {
    o.title = a.experiment->title;
    o.about = a.experiment->about;
    if (a.variants.empty()) o.axis = a.experiment->axis;
  }
  std::vector<double> lrs = a.lrs;
  if (lrs.empty()) lrs = a.experiment ? a.experiment->lrs : std::vector{0.01, 0.1, 1.0};
  std::ranges::sort(lrs);
  lrs.erase(std::unique(lrs.begin(), lrs.end()), lrs.end());

  std::set<std::string> names;
  for (const VariantWords& v : variants) {
    const std::string what = "--variant " + v.name;
    const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr(" .+-=_", c); };
    if (v.name.empty() || v.name.size() > 60 || !std::ranges::all_of(v.name, allowed)) {
      throw UsageError(
          "--variant: expected NAME:OPTIONS with a NAME of at most 60 letters, digits, spaces and .+-=_, "
          "found \"{}\"",
          v.name);
    }
    if (!names.insert(file_name(v.name)).second)
      throw UsageError("{}: this name, or one like it, is there twice", what);
    TrainOptions options = o.base;
    Unresolved unresolved = base;
    read_words(what, v.words, options, unresolved);
    for (double lr : unresolved.lr ? std::vector{*unresolved.lr} : lrs) {
      unresolved.lr = lr;
      try {
        resolve(options, unresolved);
      } catch (const UsageError& error) {
        throw UsageError("{}: {}", what, error.what());
      }
      Case& c = o.cases.emplace_back(Case{.variant = v.name,
                                          .options = options,
                                          .settings = v.settings,
                                          .series = v.series.empty() ? v.name : v.series,
                                          .panel = fmt::format("learning rate {}", lr),
                                          .x = v.x.value_or(lr)});
      if (!v.x) continue;
      c.panel = fmt::format("{} {}", o.axis, *v.x);
      if (lrs.size() > 1) c.panel += fmt::format(", learning rate {}", lr);
      if (lrs.size() > 1) c.series += fmt::format(", learning rate {}", lr);
    }
  }
}

}  // namespace tare
