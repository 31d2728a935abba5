#include <tare/apps/cli/help.h>

#include <tare/apps/cli/terminal.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace tare {
namespace {

constexpr std::pair<Group, const char*> kGroups[] = {
    {Group::data, "Data"}, {Group::network, "Network"}, {Group::optimizer, "Optimizer"},
    {Group::run, "Run"},   {Group::output, "Output"},   {Group::other, "Options"},
    {Group::help, "Help"}};

constexpr std::pair<const char*, const char*> kExitStatus[] = {
    {"0", "success"},
    {"1", "it failed: data is missing or damaged, a file cannot be written, a model does not fit"},
    {"2", "bad usage: an unknown option, or a value out of its range"},
    {"3", "training met a loss that is not finite"},
    {"128+n", "stopped by signal n, after writing what was asked for"}};

constexpr std::pair<const char*, const char*> kEnvironment[] = {
    {"TARE_DATA", "The folder with the four files of MNIST, which --data mnist and auto then take"},
    {"NO_COLOR", "If set, nothing is coloured or animated"},
    {"COLUMNS", "How wide the output may be where it is no terminal; 80 if not set"}};

// As many choices as may stand behind an option's name.
bool few(const std::vector<std::string>& choices) { return fmt::format("{}", fmt::join(choices, "|")).size() <= 30; }

// "--norm batch|layer|none"
std::string with_argument(const OptionEntry& o) {
  if (o.argument.empty()) return o.name;
  const bool listed = !o.choices.empty() && few(o.choices);
  return fmt::format("{} {}", o.name, listed ? fmt::format("{}", fmt::join(o.choices, "|")) : o.argument);
}

std::string meaning_of(const OptionEntry& o) {
  return o.choices.empty() || few(o.choices) ? o.help : fmt::format("{}: {}", fmt::join(o.choices, ", "), o.help);
}

// "[OPTION]... MODEL FILE..."
std::string usage_of(const CommandEntry& command) {
  if (!command.commands.empty()) return "COMMAND [OPTION]...";
  std::string words = "[OPTION]...";
  for (const OptionEntry& o : command.options) {
    if (!o.is_word) continue;
    const std::string word = o.repeated ? o.name + "..." : o.name;
    words += o.required ? " " + word : " [" + word + "]";
  }
  return words;
}

using Rows = std::vector<std::pair<std::string, std::string>>;

// Names on the left, from column `indent` on what they mean. A long name has a line of its own.
std::string table(const Rows& rows, std::size_t columns, std::size_t indent) {
  std::string text;
  for (const auto& [name, meaning] : rows) {
    text += fmt::format("  {:<{}}", name, indent - 2);
    if (name.size() + 4 > indent) text += "\n" + std::string(indent, ' ');
    text += wrapped(meaning, columns, indent) + "\n";
  }
  return text;
}

// Calls each(title, options) for the groups that there are.
template <class Each>
void for_each_group(const CommandEntry& command, const Each& each) {
  std::vector<OptionEntry> words;
  for (const OptionEntry& o : command.options) {
    if (o.is_word) words.push_back(o);
  }
  if (!words.empty()) each("Arguments", words);
  for (const auto& [group, title] : kGroups) {
    std::vector<OptionEntry> options;
    for (const OptionEntry& o : command.options) {
      if (!o.is_word && o.group == group) options.push_back(o);
    }
    if (!options.empty()) each(title, options);
  }
}

// Calls each(command) for the program and all below it.
template <class Each>
void for_each_command(const CommandEntry& command, const Each& each) {
  each(command);
  for (const auto& below : command.commands) for_each_command(*below, each);
}

std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if ((c == '.' || c == '\'') && (escaped.empty() || escaped.back() == '\n')) {
      escaped += fmt::format("\\&{}", c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string in_single_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The words behind the program's name: "data make".
std::string place(const CommandEntry& command) {
  const std::string path = command.path();
  return command.parent == nullptr ? "" : path.substr(path.find(' ') + 1);
}

bool is_folder(const OptionEntry& o) { return (o.is_word ? o.name : o.argument) == "DIR"; }

// What zsh's _arguments takes of an option or a word, but for what precedes it.
std::string zsh_values(const OptionEntry& o) {
  const std::string what = o.is_word ? o.name : o.argument;
  if (!o.choices.empty()) return fmt::format(":{}:({})", what, fmt::join(o.choices, " "));
  return fmt::format(":{}:{}", what, is_folder(o) ? "_files -/" : "_files");
}

std::string zsh_argument(const OptionEntry& o) {
  std::string help;
  for (const char c : o.help) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) help += '\\';
    help += c;
  }
  std::string argument;
  if (o.is_word) {
    argument = (o.repeated ? "*" : "") + zsh_values(o);
  } else {
    argument = fmt::format("{}{}[{}]{}", o.repeated ? "*" : "", o.name + (o.argument.empty() ? "" : "="), help,
                           o.argument.empty() ? "" : zsh_values(o));
  }
  return in_single_quotes(argument);
}

}  // namespace

std::string CommandEntry::path() const { return parent == nullptr ? name : parent->path() + " " + name; }

std::string help_text(const CommandEntry& command, std::size_t columns) {
  std::vector<std::pair<std::string, Rows>> sections;
  Rows below;
  for (const auto& c : command.commands) below.emplace_back(c->name, c->description);
  if (!below.empty()) sections.emplace_back("Commands", below);
  for_each_group(command, [&](const char* title, const std::vector<OptionEntry>& options) {
    Rows rows;
    for (const OptionEntry& o : options) rows.emplace_back(with_argument(o), meaning_of(o));
    sections.emplace_back(title, rows);
  });
  sections.emplace_back("Exit status", Rows{std::begin(kExitStatus), std::end(kExitStatus)});

  const std::size_t most = columns * 3 / 10;
  std::size_t widest = 0;
  for (const auto& [title, rows] : sections) {
    for (const auto& [name, meaning] : rows) widest = std::max(widest, name.size() <= most ? name.size() : 0);
  }
  std::string text =
      fmt::format("{}\n\nUsage: {} {}\n", wrapped(command.description, columns), command.path(), usage_of(command));
  for (const auto& [title, rows] : sections) text += fmt::format("\n{}\n{}", title, table(rows, columns, widest + 4));
  return text + fmt::format("\nExample\n  {}\n", command.example);
}

std::string manual(const CommandEntry& program, const std::string& version) {
  const auto entry = [](const std::string& name, const std::string& meaning) {
    return fmt::format(".TP\n.B {}\n{}\n", roff(name), roff(meaning));
  };
  std::string page = fmt::format(
      ".TH TARE 1 \"\" \"tare {}\" \"User Commands\"\n.SH NAME\ntare \\- train small neural networks, with and without "
      "batch normalization\n.SH SYNOPSIS\n.B tare\n.I COMMAND\n.RI [ OPTION ]...\n.SH DESCRIPTION\n{}\n.PP\nResults go "
      "to standard output, progress and notices to standard error.\n.SH COMMANDS\n",
      version, roff(program.description));
  for_each_command(program, [&](const CommandEntry& c) {
    if (&c != &program && c.commands.empty()) page += entry(place(c), c.description);
  });
  for_each_command(program, [&](const CommandEntry& c) {
    if (!c.commands.empty() && &c != &program) return;  // what is to be said stands at the commands below
    page += fmt::format(".SH OPTIONS{}\n", &c == &program ? "" : roff(" OF " + c.path()));
    for_each_group(c, [&](const char* title, const std::vector<OptionEntry>& options) {
      page += fmt::format(".SS {}\n", title);
      for (const OptionEntry& o : options) page += entry(with_argument(o), meaning_of(o));
    });
    page += fmt::format(".PP\nExample:\n.PP\n.nf\n{}\n.fi\n", roff(c.example));
  });
  page += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitStatus) page += entry(code, meaning);
  page += ".SH ENVIRONMENT\n";
  for (const auto& [name, meaning] : kEnvironment) page += entry(name, meaning);
  return page;
}

std::string bash_completion(const CommandEntry& program) {
  std::string words, values;  // of a command, and of an option's argument
  for_each_command(program, [&](const CommandEntry& c) {
    std::vector<std::string> offered;
    for (const auto& below : c.commands) offered.push_back(below->name);
    for (const OptionEntry& o : c.options) {
      if (!o.is_word) offered.push_back(o.name);
      if (o.choices.empty()) continue;
      if (o.is_word) {
        offered.insert(offered.end(), o.choices.begin(), o.choices.end());
      } else {
        values += fmt::format("    '{} {}') words='{}' ;;\n", place(c), o.name, fmt::join(o.choices, " "));
      }
    }
    words += fmt::format("    '{}') words='{}' ;;\n", place(c), fmt::join(offered, " "));
  });
  std::string nested;  // commands that have commands
  for (const auto& c : program.commands) {
    if (!c->commands.empty()) nested += fmt::format("{}{}", nested.empty() ? "" : "|", c->name);
  }
  return fmt::format(R"(# Completion for {0} in bash, as `{0} help --bash` prints it.
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words='' i
  # --norm=ba is three words.
  if [[ $word == = ]]; then word=''; elif [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  for ((i = 1; i < COMP_CWORD && i <= 2; ++i)); do
    [[ ${{COMP_WORDS[i]}} == -* ]] && break
    [[ $i -eq 2 && ! ${{COMP_WORDS[1]}} =~ ^({1})$ ]] && break
    command+="${{command:+ }}${{COMP_WORDS[i]}}"
  done
  case "$command" in
{2}  esac
  if [[ $before == --* ]]; then
    case "$command $before" in
{3}    esac
  fi
  [[ $word == -* ]] || words=${{words%%--*}}  # an option is offered if it is begun
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _{0} {0}
)",
                     program.name, nested, words, values);
}

std::string zsh_completion(const CommandEntry& program) {
  std::string cases;
  for_each_command(program, [&](const CommandEntry& c) {
    std::string body;
    if (c.commands.empty()) {
      body = "      _arguments";
      for (const OptionEntry& o : c.options) body += " \\\n        " + zsh_argument(o);
    } else {
      body = "      commands=(";
      for (const auto& below : c.commands) {
        body += "\n        " + in_single_quotes(fmt::format("{}:{}", below->name, below->description));
      }
      body += ")\n      _describe command commands";
    }
    cases += fmt::format("    '{}')\n{} ;;\n", place(c), body);
  });
  std::string nested;
  for (const auto& c : program.commands) {
    if (!c->commands.empty()) nested += fmt::format("{}{}", nested.empty() ? "" : "|", c->name);
  }
  return fmt::format(R"(#compdef {0}
# Completion for {0} in zsh, as `{0} help --zsh` prints it.
_{0}() {{
  local command=''
  local -a commands
  integer i depth=0
  for ((i = 2; i < CURRENT && i <= 3; ++i)); do
    [[ $words[i] == -* ]] && break
    [[ $i -eq 3 && $words[2] != ({1}) ]] && break
    command+="${{command:+ }}$words[i]"
    (( ++depth ))
  done
  shift $depth words  # _arguments counts from the command on
  (( CURRENT -= depth ))
  case $command in
{2}  esac
}}
_{0} "$@"
)",
                     program.name, nested, cases);
}

// By the edits that lead from one to the other: characters put in, left out, changed or swapped with the next one
// (Damerau 1964); one for every four characters are thought to be slips. A word of which the beginning was written is
// meant, too.
std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t fewest = (word.size() + 2) / 4 + 1;
  for (const std::string& other : known) {
    const std::size_t n = word.size(), m = other.size();
    std::vector<std::vector<std::size_t>> edits(n + 1, std::vector<std::size_t>(m + 1));
    for (std::size_t i = 0; i <= n; ++i) edits[i][0] = i;
    for (std::size_t j = 0; j <= m; ++j) edits[0][j] = j;
    for (std::size_t i = 1; i <= n; ++i) {
      for (std::size_t j = 1; j <= m; ++j) {
        edits[i][j] = std::min(
            {edits[i - 1][j] + 1, edits[i][j - 1] + 1, edits[i - 1][j - 1] + (word[i - 1] == other[j - 1] ? 0 : 1)});
        const bool swapped = i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1];
        if (swapped) edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
      }
    }
    const bool begun = word.size() > 2 && other.starts_with(word);
    const std::size_t count = begun ? 1 : edits[n][m];
    if (count < fewest) fewest = count, best = other;
  }
  return best;
}

}  // namespace tare
