#include <tare/apps/compare/page/page.h>

#include <tare/core/machine/error.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace tare {
namespace {

using nlohmann::ordered_json;

std::string escaped(const std::string& text) {
  std::string html;
  for (char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

// {{name}}, {{{name}}}, or {{#name}} with another sign.
struct Tag {
  char sign = ' ';
  std::string name;
  std::size_t length = 0;
};

// Nothing where there is none: scripts have double braces, too.
std::optional<Tag> tag_at(std::string_view text) {
  Tag tag;
  std::size_t at = 2;
  if (at < text.size() && std::string_view("{#^").find(text[at]) != std::string_view::npos) tag.sign = text[at++];
  const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.", at);
  const std::string_view closing = tag.sign == '{' ? "}}}" : "}}";
  if (end == at || end == std::string_view::npos || !text.substr(end).starts_with(closing)) return std::nullopt;
  tag.name = text.substr(at, end - at);
  tag.length = end + closing.size();
  return tag;
}

bool is_absent(const ordered_json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty() || value == false;
}

class Filler {
 public:
  explicit Filler(const ordered_json& values) : around_{&values} {}

  void fill(std::string_view text) {
    for (std::size_t at; (at = text.find("{{")) != std::string_view::npos;) {
      const std::optional<Tag> tag = tag_at(text.substr(at));
      html += text.substr(0, at + (tag ? 0 : 2));
      text.remove_prefix(at + (tag ? tag->length : 2));
      if (!tag) continue;
      const ordered_json& value = named(tag->name);
      if (tag->sign == '#' || tag->sign == '^') {
        const std::string closing = "{{/" + tag->name + "}}";
        const std::size_t end = text.find(closing);
        if (end == std::string_view::npos) throw Error("{} is missing in a template", closing);
        section(*tag, text.substr(0, end), value);
        text.remove_prefix(end + closing.size());
      } else {
        const std::string shown = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
        html += tag->sign == '{' ? shown : escaped(shown);
      }
    }
    html += text;
  }

  std::string html;

 private:
  const ordered_json& named(const std::string& name) const {
    static const ordered_json nothing;
    if (name == ".") return *around_.back();
    for (auto values = around_.rbegin(); values != around_.rend(); ++values) {
      if ((*values)->is_object() && (*values)->contains(name)) return (*values)->at(name);
    }
    return nothing;
  }

  void section(const Tag& tag, std::string_view text, const ordered_json& value) {
    if (tag.sign == '^') {
      if (is_absent(value)) fill(text);
    } else if (!is_absent(value)) {
      const ordered_json list = value.is_array() ? value : ordered_json::array({value});
      for (const ordered_json& entry : list) {
        around_.push_back(&entry);
        fill(text);
        around_.pop_back();
      }
    }
  }

  std::vector<const ordered_json*> around_;  // innermost last
};

}  // namespace

std::string fill(std::string_view text, const ordered_json& values) {
  Filler filler(values);
  filler.fill(text);
  return filler.html;
}

}  // namespace tare
