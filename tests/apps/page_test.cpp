// The template language of a report's page.
#include <tare/apps/compare/page/page.h>
#include <tare/core/machine/error.h>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace tare {
namespace {

std::string filled(const std::string& text, const std::string& json) {
  return fill(text, nlohmann::ordered_json::parse(json));
}

}  // namespace

TEST_CASE("page: values are escaped, unless they are asked for as they are") {
  CHECK(filled("{{a}} {{{a}}}", R"({"a": "<b c=\"&\">"})") == "&lt;b c=&quot;&amp;&quot;&gt; <b c=\"&\">");
  CHECK(filled("{{n}}, {{none}}, {{null}}", R"({"n": 2.5, "null": null})") == "2.5, , ");
  CHECK(filled("{{a}}", R"({"a": "{{b}}", "b": 1})") == "{{b}}");
}

TEST_CASE("page: sections repeat, stay or go") {
  CHECK(filled("{{#list}}[{{.}}]{{/list}}", R"({"list": ["a", "b"]})") == "[a][b]");
  CHECK(filled("{{#rows}}{{x}}{{y}} {{/rows}}", R"({"y": 0, "rows": [{"x": 1}, {"x": 2, "y": 3}]})") == "10 23 ");
  CHECK(filled("{{#s}}{{x}}{{/s}}{{^s}}none{{/s}}", R"({"s": {"x": 1}})") == "1");
  for (const char* absent : {R"({})", R"({"s": null})", R"({"s": false})", R"({"s": []})", R"({"s": ""})"}) {
    CAPTURE(absent);
    CHECK(filled("{{#s}}some{{/s}}{{^s}}none{{/s}}", absent) == "none");
  }
  CHECK_THROWS_AS(filled("{{#s}}", "{}"), Error);
}

TEST_CASE("page: the braces of scripts are not tags") {
  for (const char* script : {"function(a){{var n;}}", "`${{a: 1}}`", "{{ a }}", "{{", "{{}}", "{{a}", "{{{a}}"}) {
    CHECK(filled(script, R"({"a": 1})") == script);
  }
}

}  // namespace tare
