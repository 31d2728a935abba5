#include <tare/apps/cli/command.h>

#include <tare/apps/cli/terminal.h>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace tare {
namespace {

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
  const std::string meant = nearest(word.substr(0, word.find('=')), names_of(command, word.starts_with('-')));
  return meant.empty() ? "" : fmt::format("; did you mean {}?", meant);
}

// What is wrong with the words that CLI11 has not understood.
std::string explained(const CLI::ParseError& error, const CLI::App& app, const CommandEntry& command) {
  const auto is = [&](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
  const std::vector<std::string> extras = app.remaining();
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
  std::ranges::replace(message, '\n', ' ');
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
          name, [name, read](const std::string& text) { read(name, text); }, help)
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
  app_->add_option(name, target, help)->type_name(argument)->allow_extra_args(false);
  note({.group = group_, .name = name, .argument = argument, .help = help, .repeated = true});
}

void Command::positional(const char* name, const char* help, std::string& target, bool required) {
  const auto read = [name, &target](const std::string& text) {
    if (text.empty()) throw UsageError("{}: expected a name, found nothing", name);
    target = text;
  };
  app_->add_option_function<std::string>(name, read, help)->required(required);
  note({.group = group_, .name = name, .argument = "", .help = help, .is_word = true, .required = required});
}

void Command::positional(const char* name, const char* help, std::vector<std::string>& target, bool required) {
  app_->add_option(name, target, help)->required(required);
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
    app_->parse(argc, argv);
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

void parse_words(std::vector<std::string> words, const std::function<void(Command&)>& add) {
  const auto app = std::make_shared<CLI::App>();
  app->set_help_flag();  // none
  Command command(app);
  add(command);
  std::ranges::reverse(words);  // as CLI11 wants them
  try {
    app->parse(words);
  } catch (const CLI::ParseError& error) {
    throw UsageError("{}", explained(error, *app, command.entry()));
  }
}

}  // namespace tare
