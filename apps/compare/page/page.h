// The page of a report: report.html, report.css and report.js in this folder, which CMake puts together (embed.cmake).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace tare {

/// The template, with its styles and scripts in it.
std::string_view report_page();

/// Fills a template, in a part of mustache's language. {{name}} becomes the value of that name, escaped for HTML, and
/// {{{name}}} the same unescaped. What stands between {{#name}} and {{/name}} is repeated for every entry of a list,
/// kept for another value, left out for false, null, "" or none; what stands between {{^name}} and {{/name}} the other
/// way round. Names are looked up in the entry, then around it; {{.}} is the entry itself. A section does not contain
/// one of its own name.
std::string fill(std::string_view text, const nlohmann::ordered_json& values);

}  // namespace tare
