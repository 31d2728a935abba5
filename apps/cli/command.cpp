#include <tare/apps/cli/command.h>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace tare {

Command::Command(const char* name, const char* version, const char* description, const char* example)
    : app_(std::make_shared<CLI::App>(description, name)) {
  app_->footer(fmt::format("\nExample: {}", example));
  app_->set_version_flag("--version", fmt::format("{} {}", name, version));
}

Command::Command(Command& parent, const char* name, const char* description, const char* example)
    : app_(parent.app_, parent.app_->add_subcommand(name, description)) {
  parent.app_->require_subcommand(1);
  app_->footer(fmt::format("\nExample: {}", example));
  app_->get_formatter()->column_width(34);
}

void Command::option(const std::string& name, const char* argument, const std::string& help, const Read& read) {
  app_->add_option_function<std::string>(
          name, [name, read](const std::string& text) { read(name, text); }, help)
      ->type_name(argument)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
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
}

void Command::list(const std::string& name, const char* argument, const char* help, std::vector<std::string>& target) {
  app_->add_option(name, target, help)->type_name(argument)->allow_extra_args(false);
}

void Command::positional(const char* name, const char* help, std::string& target, bool required) {
  const auto read = [name, &target](const std::string& text) {
    if (text.empty()) throw UsageError("{}: expected a name, found nothing", name);
    target = text;
  };
  app_->add_option_function<std::string>(name, read, help)->required(required);
}

void Command::positional(const char* name, const char* help, std::vector<std::string>& target) {
  app_->add_option(name, target, help)->required();
}

bool Command::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& done) {
    app_->exit(done);
    return false;
  } catch (const CLI::ParseError& error) {
    const CLI::App* last = app_.get();  // of the commands that were given
    std::string path = last->get_name();
    while (!last->get_subcommands().empty()) {
      last = last->get_subcommands().front();
      path += " " + last->get_name();
    }
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    std::vector<std::string> names;
    for (const CLI::App* subcommand : last->get_subcommands({})) names.push_back(subcommand->get_name());
    if (!names.empty() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError)) {
      const std::vector<std::string> found = last->remaining();
      message = fmt::format("expected {}, found {}", fmt::join(names, ", "),
                            found.empty() ? "nothing" : fmt::format("\"{}\"", found.front()));
    }
    throw UsageError("{}; {} --help lists what there is", message, path);
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
    throw UsageError("{}", error.what());
  }
}

}  // namespace tare
