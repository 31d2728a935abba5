# The ops' sources as JSON, so that the page can quote the code that it runs:
#   {"relu": {"file": "core/ops/ops.cpp", "line": 240, "code": "// Y = max(A, 0) ...\nVar relu(Var a) {..."}, ...}
# An op is a function that begins in the first column with a Var or a result of several, and ends with a brace there.
# The comment before it belongs to it. So does the tape's own: leaf, constant and backward.
function quoted(text) {
  gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\n/, "\\n", text); gsub(/</, "\\u003c", text)
  return "\"" text "\""
}
BEGIN { printf "{" }
FNR == 1 { comment = name = "" }
!name && /^\/\/ / { comment = comment $0 "\n"; comment_lines++; next }
/^(Var|BatchNormResult|LayerNormResult) (Tape::)?[a-z_]+\(|^void Tape::backward\(/ {
  name = $2; sub(/\(.*/, "", name); sub(/^Tape::/, "", name)
  line = FNR - comment_lines; code = comment
}
{ comment = ""; comment_lines = 0 }
name { code = code $0 "\n" }
name && /^}/ {
  key = (name in seen) ? name "/" ++seen[name] : name
  if (!(name in seen)) seen[name] = 1
  printf "%s%s:{\"file\":%s,\"line\":%d,\"code\":%s}", separator, quoted(key), quoted(FILENAME), line, quoted(code)
  separator = ","; name = ""
}
END { print "}" }
