# Puts report.css, report.js and dygraphs into report.html, and the page that this gives into a C++ source.
#   cmake -D DYGRAPHS=FOLDER -D OUTPUT=FILE.cpp -P embed.cmake
# Without the folder the page has no charts that move, and says so.

function(put file tag)
  set(content "")
  if(EXISTS "${file}")
    file(READ "${file}" content)
    string(REGEX REPLACE "(//|/\\*)# sourceMappingURL=.*" "" content "${content}")
    if(tag MATCHES "^<link")
      set(content "<style>\n${content}</style>")
    else()
      set(content "<script>\n${content}</script>")
    endif()
  endif()
  string(FIND "${page}" "${tag}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "report.html: expected ${tag}")
  endif()
  string(REPLACE "${tag}" "${content}" page "${page}")
  set(page "${page}" PARENT_SCOPE)
endfunction()

file(READ ${CMAKE_CURRENT_LIST_DIR}/report.html page)
string(REGEX REPLACE "<!-- Template[^>]*-->\n" "" page "${page}")
put("${DYGRAPHS}/dygraph.min.css" [[<link rel="stylesheet" href="/usr/share/javascript/dygraphs/dygraph.min.css">]])
put(${CMAKE_CURRENT_LIST_DIR}/report.css [[<link rel="stylesheet" href="report.css">]])
put("${DYGRAPHS}/dygraph.min.js" [[<script src="/usr/share/javascript/dygraphs/dygraph.min.js"></script>]])
put("" [[<script src="sample.js"></script>]])
put(${CMAKE_CURRENT_LIST_DIR}/report.js [[<script src="report.js"></script>]])

string(HEX "${page}" bytes)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <tare/apps/compare/page/page.h>

std::string_view tare::report_page() {
  static const unsigned char bytes[] = {${bytes}};
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}
")
