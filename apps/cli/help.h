// What there is to say about a program's commands and options, and the ways to say it: help, a manual, completion.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tare {

/// What an option is about: the parts that the help has, in this order.
enum class Group { data, network, optimizer, run, output, other, help };

struct OptionEntry {
  Group group;
  std::string name;      // "--norm"; of a word without an option before it "MODEL"
  std::string argument;  // "NAME"; empty: a flag
  std::string help;
  std::vector<std::string> choices = {};  // what the argument may be, if that can be listed
  bool is_word = false, required = false, repeated = false;
};

/// A command, or the program.
struct CommandEntry {
  std::string name;  // "make"
  std::string description, example;
  std::vector<OptionEntry> options = {};
  std::vector<std::shared_ptr<CommandEntry>> commands = {};
  const CommandEntry* parent = nullptr;

  /// "tare data make".
  std::string path() const;
};

/// In lines of at most `columns` characters.
std::string help_text(const CommandEntry& command, std::size_t columns);

/// The program's page for `man`, in roff.
std::string manual(const CommandEntry& program, const std::string& version);

/// What bash and zsh source to complete commands, options and their choices; elsewhere they offer files.
std::string bash_completion(const CommandEntry& program);
std::string zsh_completion(const CommandEntry& program);

/// Of the known words the one that was probably meant, or "".
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace tare
