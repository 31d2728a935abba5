#include <tare/apps/cli/command.h>

#include <tare/apps/cli/terminal.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace tare {
namespace {

// CLI11 takes [a,b] and {} for lists, and what stands behind "--" for options of the program. No word of a command
// line has this character, which is put before such words, so that they stay what they are.
constexpr char kPlain = '\0';

std::vector<std::string> as_cli11_wants(const std::vector<std::string>& words) {
  std::vector<std::string> result;
  bool only_names = false;
  for (const std::string& word : words) {
    const bool taken_for_more = word.starts_with('[') || word.starts_with('{') || word.starts_with('%');
    const bool ends_options = word == "--" && !only_names;
    if (!ends_options) result.push_back(taken_for_more || (only_names && word.starts_with('-')) ? kPlain + word : word);
    only_names = only_names || ends_options;
  }
  std::ranges::reverse(result);
  return result;
}

std::string as_given(const std::string& word) { return word.starts_with(kPlain) ? word.substr(1) : word; }

std::vector<std::string> as_given(const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (const std::string& word : words) result.push_back(as_given(word));
  return result;
}

// Of the commands that were given the innermost one, which has the entry of that name, too.
std::pair<const CLI::App*, const CommandEntry*> innermost(const CLI::App& program, const CommandEntry& entry) {
  const CLI::App* app = &program;
  const CommandEntry* found = &entry;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    found = std::ranges::find_if(found->commands, [&](const auto& c) { return c->name == app->get_name(); })->get();
  }
  return {app, found};
}

std::vector<std::string> names_of(const CommandEntry& command, bool options) {
  std::vector<std::string> names;
  for (const auto& below : command.commands) names.push_back(below->name);
  if (options) names.clear();
  for (const OptionEntry& o : command.options) {
    if (options && !o.is_word) names.push_back(o.name);
  }
  return names;
}

// "; did you mean --epochs?", or nothing.
std::string suggestion(const std::string& word, const CommandEntry& command) {
  std::error_code error;
  if (word.starts_with('-') && std::filesystem::exists(word, error)) {
    return fmt::format("; did you mean the file ./{}?", word);
  }
  const std::string meant = nearest(word.substr(0, word.find('=')), names_of(command, word.starts_with('-')));
  return meant.empty() ? "" : fmt::format("; did you mean {}?", meant);
}

// What is wrong with the words that CLI11 has not understood.
std::string explained(const CLI::ParseError& error, const CLI::App& app, const CommandEntry& command) {
  const auto is = [&](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
  const std::vector<std::string> extras = as_given(app.remaining());
  const std::vector<std::string> commands = names_of(command, false);
  if (is(CLI::ExitCodes::RequiredError) && !commands.empty()) {
    return fmt::format("expected {}, found {}", fmt::join(commands, ", "),
                       extras.empty() ? "nothing" : fmt::format("\"{}\"", extras.front())) +
           (extras.empty() ? "" : suggestion(extras.front(), command));
  }
  if (!extras.empty() && (is(CLI::ExitCodes::ExtrasError) || is(CLI::ExitCodes::RequiredError))) {
    return fmt::format("not expected: {}{}", fmt::join(extras, " "), suggestion(extras.front(), command));
  }
  std::string message = error.what();
  const std::size_t flag = message.find(" was given a disallowed flag override");
  if (flag != message.npos) return fmt::format("--{}: takes no value", message.substr(0, flag));
  std::ranges::replace(message, '\n', ' ');
  std::erase(message, kPlain);
  return message;
}

}  // namespace

Command::Command(const char* name, const char* version, const char* description, const char* example)
    : Command(std::make_shared<CLI::App>(description, name)) {
  *entry_ = {.name = name, .description = description, .example = example};
  app_->set_version_flag("--version", fmt::format("{} {}", name, version));
  note({.group = Group::help, .name = "--help", .argument = "", .help = "Show this; behind a command, its options"});
  note({.group = Group::help, .name = "--version", .argument = "", .help = "Tell the version"});
}

Command::Command(Command& parent, const char* name, const char* description, const char* example)
    : Command(std::shared_ptr<CLI::App>(parent.app_, parent.app_->add_subcommand(name, description))) {
  parent.app_->require_subcommand(1);
  *entry_ = {.name = name, .description = description, .example = example};
  entry_->parent = parent.entry_.get();
  parent.entry_->commands.push_back(entry_);
  note({.group = Group::help, .name = "--help", .argument = "", .help = "Show this"});
}

Command& Command::group(Group group) {
  group_ = group;
  return *this;
}

void Command::note(OptionEntry option) { entry_->options.push_back(std::move(option)); }

void Command::option(const std::string& name, const char* argument, const std::string& help, const Read& read) {
  app_->add_option_function<std::string>(
          name, [name, read](const std::string& text) { read(name, as_given(text)); }, help)
      ->type_name(argument)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  note({.group = group_, .name = name, .argument = argument, .help = help});
}

void Command::text(const std::string& name, const char* argument, const char* help, std::string& target) {
  option(name, argument, help, [&target](const std::string& option, const std::string& text) {
    if (text.empty()) throw UsageError("{}: expected a name, found nothing", option);
    target = text;
  });
}

void Command::flag(const std::string& name, const char* help, bool& target, bool value) {
  app_->add_flag_callback(
          name, [&target, value] { target = value; }, help)
      ->disable_flag_override();
  note({.group = group_, .name = name, .argument = "", .help = help});
}

void Command::list(const std::string& name, const char* argument, const char* help, std::vector<std::string>& target) {
  app_->add_option_function<std::vector<std::string>>(
          name, [&target](const std::vector<std::string>& words) { target = as_given(words); }, help)
      ->type_name(argument)
      ->allow_extra_args(false);
  note({.group = group_, .name = name, .argument = argument, .help = help, .repeated = true});
}

void Command::positional(const char* name, const char* help, std::string& target, bool required) {
  const auto read = [name, &target](const std::string& text) {
    if (text.empty()) throw UsageError("{}: expected a name, found nothing", name);
    target = as_given(text);
  };
  app_->add_option_function<std::string>(name, read, help)->required(required);
  note({.group = group_, .name = name, .argument = "", .help = help, .is_word = true, .required = required});
}

void Command::positional(const char* name, const char* help, std::vector<std::string>& target, bool required) {
  app_->add_option_function<std::vector<std::string>>(
          name, [&target](const std::vector<std::string>& words) { target = as_given(words); }, help)
      ->required(required);
  note({.group = group_,
        .name = name,
        .argument = "",
        .help = help,
        .is_word = true,
        .required = required,
        .repeated = true});
}

bool Command::parse(int argc, char** argv) {
  try {
    app_->parse(as_cli11_wants({argv + std::min(argc, 1), argv + argc}));
  } catch (const CLI::CallForVersion& version) {
    app_->exit(version);
    return false;
  } catch (const CLI::Success&) {
    fmt::print("{}", help_text(*innermost(*app_, *entry_).second, terminal_columns()));
    return false;
  } catch (const CLI::ParseError& error) {
    const auto [app, command] = innermost(*app_, *entry_);
    throw UsageError("{}; {} --help lists what there is", explained(error, *app, *command), command->path());
  }
  return true;
}

bool Command::given() const { return app_->parsed(); }

void parse_words(const std::vector<std::string>& words, const std::function<void(Command&)>& add) {
  const auto app = std::make_shared<CLI::App>();
  app->set_help_flag();  // none
  Command command(app);
  add(command);
  try {
    app->parse(as_cli11_wants(words));
  } catch (const CLI::ParseError& error) {
    throw UsageError("{}", explained(error, *app, command.entry()));
  }
}

}  // namespace tare
