#!/usr/bin/env bash
# Builds a website of the book: chapters, exercises and the sources that they speak of.   bash docs/site.sh [FOLDER]
# FOLDER is build-site if none is given; what is in it is replaced. A link or an anchor that leads nowhere is an error.
# The playground is one of its pages. Theme and formulas are Debian's mkdocs-material and KaTeX: neither building nor reading fetches anything.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

install_missing mkdocs mkdocs-material libjs-katex python3-pygments
folder=$(realpath -m "${1:-$root/build-site}")
# mkdocs empties the folder.
if [ -n "$(ls -A "$folder" 2>/dev/null)" ] && [ ! -e "$folder/sitemap.xml" ]; then
  say "$folder is not empty and not a website that this script has made"
  exit 1
fi
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
bash "$root/apps/playground/build.sh"
say "Building the website"
/usr/bin/python3 "$root/docs/site/stage.py" "$root" "$staging"
quietly mkdocs build --quiet --strict --config-file "$staging/mkdocs.yml" --site-dir "$folder"
say "Open $folder/index.html, or, with search: python3 -m http.server --directory '$folder'"
