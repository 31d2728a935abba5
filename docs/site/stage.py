"""Makes what mkdocs reads from the repository: pages of the book and of its sources, pictures, KaTeX, the navigation.

stage.py ROOT STAGING. The book is written for GitHub. What differs here: mkdocs knows another Markdown (lists are
indented by four columns, formulas are unknown), links lead to pages of this site, and a formula's tag, like [BN-3],
links the chapter that explains it to the code that computes it, and back.
"""

import html
import json
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT, STAGING = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PAGES = STAGING / "docs"
KATEX = Path("/usr/share/javascript/katex")
# In the order in which they are asked for the line that carries a tag.
SOURCES = ("core", "layers", "optim", "apps", "datasets", "docs/examples", "docs/exercises", "tests")
PICTURES = (".svg", ".png", ".jpg", ".gif")
# Where the chapters find the playground (apps/playground/build.sh), and where it stands on the site.
PLAYGROUND, PLAYGROUND_PAGE = "build-playground/playground.html", "playground.html"
TAG = re.compile(r"\[([A-Z]+-[0-9]+)\]")


def read(path):
    return (ROOT / path).read_text()


def write(name, content):
    (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
    (PAGES / name).write_bytes(content.encode() if isinstance(content, str) else content)


# --- Markdown as mkdocs wants it ---

FENCE = re.compile(r"(`{3,}|~{3,})\s*(.*)$")
ITEM = re.compile(r"([-*+]|\d{1,9}[.)])( +)(?=\S)")


def blocks(text):
    """Cuts GitHub's Markdown into (kind, columns to indent by, lines): text, code, fence, math."""
    found, blank = [], True
    inside = []  # in which column the text of the lists that are open begins
    numbered = None  # whether the outermost of them, or the one just above, is

    def add(kind, line, indent=0):
        if kind == "text" and found and found[-1][0] == "text":
            found[-1][2].append(" " * indent + line if line else "")
        else:
            found.append((kind, indent, [" " * indent + line if kind == "text" and line else line]))

    lines = iter(text.expandtabs(4).splitlines())
    for line in lines:
        rest = line.lstrip()
        column = len(line) - len(rest)
        if not rest:
            add("text", "")
            blank = True
            continue
        last = found[-1][2][-1].lstrip() if found else ""
        item = ITEM.match(rest) if column < (inside[-1] if inside else 0) + 4 else None
        if item and not inside and not blank and item[1] not in ("-", "*", "+", "1.", "1)"):
            item = None  # a number that happens to begin a line
        if blank or item or FENCE.match(rest) or rest.startswith(("#", "$$", "|")):
            while inside and column < inside[-1]:
                inside.pop()
        if not inside and not item:
            numbered = None
        beyond = column - (inside[-1] if inside else 0)
        if fence := FENCE.match(rest):
            body = [rest]
            for line in lines:
                body.append(line[min(column, len(line) - len(line.lstrip())):])
                if (end := body[-1].strip()).startswith(fence[1]) and not end.strip(fence[1][0]):
                    break
            found.append(("fence", 4 * len(inside), body))
        elif rest.startswith("$$") and (rest.endswith("$$") or "$$" not in rest[2:]):
            body = rest
            while not (body.endswith("$$") and len(body) > 3):
                if not (line := next(lines, "").strip()):
                    sys.exit(f"A displayed formula does not end: {body}")
                body += "\n" + line
            found.append(("math", 4 * len(inside), [body[2:-2].strip()]))
        elif item:
            if not inside and numbered not in (None, item[1][-1] in ".)"):
                add("text", "\n<!-- another list -->\n")  # Markdown would go on with the one above
            elif not inside and not blank and numbered is None:
                add("text", "")
            numbered = item[1][-1] in ".)" if not inside else numbered
            add("text", item[1].replace(")", ".") + item[2] + rest[item.end():], 4 * len(inside))
            inside.append(column + (item.end() if len(item[2]) < 5 else len(item[1]) + 1))
        elif beyond >= 4 and (blank or found[-1][0] == "code"):
            if found[-1][0] == "code":
                found[-1][2].append(line[column - beyond:])
            else:
                found.append(("code", 4 * len(inside), [line[column - beyond:]]))
        else:
            if rest.startswith("|") and not blank and not last.startswith("|"):
                add("text", "")
            add("text", rest, 4 * len(inside))
        blank = False
    return found


def literally(text):
    """As HTML that Markdown leaves alone."""
    return re.sub(r"[^A-Za-z0-9 ]", lambda c: f"&#{ord(c[0])};", text)


def formula(tex, display=False, in_table=False):
    tex = re.sub(r"\n[ >]*", "\n", tex.replace(r"\|", "|") if in_table else tex)
    tex = rf"\[{tex}\]" if display else rf"\({tex}\)"
    return f'<span class="formula">{literally(tex)}</span>'


HEADING = re.compile(r"#{1,6} +(.*)")

INLINE = re.compile(r"""
    \$`(?P<quoted>[^`]+)`\$
  | (?P<code>(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=ticks)(?!`))
  | \$\$(?P<display>(?:(?!\n\s*\n|\$\$).)+)\$\$
  | (?<![\w$\\])\$(?![\s$])(?P<math>(?:\\.|(?!\n\s*\n)[^$\\])+?)(?<!\s)\$(?![\w$])
  | (?P<dollar>\\\$)
  | (?P<tag>\[[A-Z]+-[0-9]+\])(?![(\[])
  | \]\((?P<link>[^()\s]+)(?P<title>\s+"[^"]*")?\)
  | \b(?P<attribute>src|href)="(?P<value>[^"]+)"
  | <(?P<element>details|summary)>
""", re.VERBOSE | re.DOTALL)


def title_of(heading):
    """As it stands in the navigation, which knows no Markdown but, thanks to site.js, formulas."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("**", "")
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text).strip()


def anchor_of(heading, taken):
    """GitHub's, so that links agree."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-") or "section"
    taken[anchor] = taken.get(anchor, -1) + 1
    return f"{anchor}-{taken[anchor]}" if taken[anchor] else anchor


def relative(page, start):
    return os.path.relpath(page, os.path.dirname(start) or ".")


def html_of(page):
    return page.removesuffix(".md") + ".html"


def is_source(path):
    return path.endswith((".h", ".cpp", ".sh", ".py")) or os.path.basename(path) == "CMakeLists.txt"


class Site:
    def __init__(self):
        self.documents = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md"))
        self.titles = {}  # of documents
        self.explained = {}  # tag: (rank, document, anchor, heading)
        self.tagged = {}  # tag: [(file, line)], in the order of SOURCES
        self.sources = {}  # file: the documents that lead to it
        self.folders = []  # that need a listing
        for folder in SOURCES:
            for path in sorted((ROOT / folder).rglob("*")):
                if is_source(path.as_posix()):
                    self.find_tags(path.relative_to(ROOT).as_posix())
        for document in self.documents:
            self.find_explanations(document)

    def find_tags(self, file):
        for number, line in enumerate(read(file).splitlines(), 1):
            for tag in TAG.findall(line):
                self.tagged.setdefault(tag, []).append((file, number))
                self.sources.setdefault(file, set())

    def find_explanations(self, document):
        """A tag is explained where it begins a row of a table, or stands in a heading; else where it stands first."""
        anchor, heading, taken = "", "", {}
        for kind, _, lines in blocks(read(document)):
            for line in lines if kind == "text" else []:
                if match := HEADING.match(line):
                    anchor, heading = anchor_of(match[1], taken), title_of(match[1])
                    self.titles.setdefault(document, heading)
                for tag in TAG.findall(line):
                    explains = re.match(rf"\|[\s*]*\[{tag}\]|#", line.lstrip())
                    rank = (not explains, not document.startswith("docs/chapters/"))
                    if tag not in self.explained or rank < self.explained[tag][0]:
                        self.explained[tag] = (rank, document, anchor, heading)
        self.titles.setdefault(document, document)

    def page_of(self, path):
        """The page that shows a file or a folder of the repository, under the name that mkdocs reads. Notes that it is
        needed."""
        if path == ".":
            return "source/index.md"
        if path == PLAYGROUND:
            return PLAYGROUND_PAGE
        if (ROOT / path).is_dir():
            if (ROOT / path / "README.md").is_file():
                return self.page_of(path + "/README.md")
            if path not in self.folders:
                self.folders.append(path)
            return f"source/{path}/index.md"
        if path.endswith(PICTURES):
            write(path.removeprefix("docs/"), (ROOT / path).read_bytes())
            return path.removeprefix("docs/")
        if path.endswith(".md"):
            if path not in self.documents:
                self.documents.append(path)
                self.find_explanations(path)
            page = path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}"
            if path.startswith("docs/") and page.count("/") > 1:  # the theme takes an index for its whole section's
                page = re.sub(r"/README\.md$", ".md", page)
            return "source/readme.md" if path == "README.md" else re.sub(r"README\.md$", "index.md", page)
        self.sources.setdefault(path, set())
        return f"source/{path}.md"

    def link(self, target, document):
        """Where a link of a document leads on the site. What does not exist is left for mkdocs to report."""
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join("/", os.path.dirname(document), unquote(path))).lstrip("/") or "."
        if ":" in target or target.startswith("#") or not (ROOT / path).exists():
            return target
        page = self.page_of(path)
        if path in self.sources:
            self.sources[path].add(document)
            anchor = re.sub(r"^L(\d+).*", r"line-\1", anchor)
        return relative(page, self.page_of(document)) + ("#" + anchor if anchor else "")

    def inline(self, text, document):
        """Formulas, tags and links in a stretch of text without code blocks."""
        def replacement(m):
            in_table = text[text.rfind("\n", 0, m.start()) + 1:].lstrip().startswith("|")
            if m["quoted"] or m["math"] or m["display"]:
                return formula(m["quoted"] or m["math"] or m["display"], bool(m["display"]), in_table)
            if m["code"]:
                return m["code"].replace(r"\|", "|") if in_table else m["code"]
            if m["dollar"]:
                return '<span class="dollar">&#36;</span>'
            if m["tag"]:
                tag = m["tag"][1:-1]
                if tag not in self.tagged:
                    return m["tag"]
                file, line = self.tagged[tag][0]
                return f'[\\[{tag}\\]]({self.link(f"/{file}#L{line}", document)} "{file}, line {line}"){{ .tag }}'
            if m["link"]:
                return f"]({self.link(m['link'], document)}{m['title'] or ''})"
            if m["attribute"]:
                return f'{m["attribute"]}="{html_of(self.link(m["value"], document))}"' \
                    if m["value"].endswith(".md") else f'{m["attribute"]}="{self.link(m["value"], document)}"'
            return "<details markdown>" if m["element"] == "details" else '<summary markdown="span">'
        return INLINE.sub(replacement, text)

    def fence(self, lines, document):
        """What a fence quotes, if its first line names a file, gets a title that links to the place in that file."""
        mark, info = FENCE.match(lines[0]).groups()
        language, _, file = info.strip().partition(" ")
        if not file or not (ROOT / file).is_file():
            return [mark + language, *lines[1:]]
        quoted = [line.strip() for line in lines[1:-1]]
        source = [line.strip() for line in read(file).splitlines()]
        start = next((i + 1 for i in range(len(source)) if source[i:i + len(quoted)] == quoted), 1)
        title = f"[{literally(file)}]({self.link(f'/{file}#L{start}', document)})"
        return [title, "{: .quoted }", "", mark + language, *lines[1:]]

    def write_document(self, document):
        out, taken = [], {}
        if document != "docs/README.md":
            out.append(f"---\ntitle: {json.dumps(self.titles[document])}\n---")
        for kind, indent, lines in blocks(read(document)):
            if kind == "text":
                lines = [f"{line} {{: #{anchor_of(h[1], taken)} }}" if (h := HEADING.match(line)) else line
                         for line in lines]
                out += [self.inline("\n".join(lines), document)]
            else:
                if kind == "fence":
                    lines = self.fence(lines, document)
                elif kind == "math":
                    lines = [formula(lines[0], display=True)]
                out += ["", *(" " * indent + line for line in lines), ""]
        write(self.page_of(document), "\n".join(out) + "\n")

    def write_source(self, file):
        page = self.page_of(file)
        try:
            lexer = get_lexer_for_filename(file, stripnl=False)
        except ClassNotFound:
            lexer = TextLexer(stripnl=False)

        def tag_link(match):
            if match[1] not in self.explained:
                return match[0]
            _, document, anchor, heading = self.explained[match[1]]
            target = html_of(relative(self.page_of(document), page)) + ("#" + anchor if anchor else "")
            about = html.escape(f"{self.titles[document]}: {heading}")
            return f'<a class="tag" href="{target}" title="{about}">{match[0]}</a>'

        code = highlight(read(file), lexer, HtmlFormatter(nowrap=True)).rstrip("\n")
        lines = [f'<span class="line" id="line-{n}"><a href="#line-{n}" data-line="{n}"></a>{line}</span>'
                 for n, line in enumerate(TAG.sub(tag_link, code).split("\n"), 1)]
        told = [f"[{literally(self.titles[d])}]({relative(self.page_of(d), page)})" for d in sorted(self.sources[file])]
        shown = '<div class="highlight source"><pre><code>' + "\n".join(lines) + "</code></pre></div>\n"
        write(page, "\n".join([f'---\ntitle: "{file}"\nhide: [navigation, toc]\n---', "# " + literally(file), "",
                               "Spoken of in " + ", ".join(told) + "." if told else "", "",
                               shown]))

    def write_folder(self, folder):
        page = self.page_of(folder)
        lines = [f'---\ntitle: "{folder}"\n---', "# " + literally(folder), ""]
        for path in sorted((ROOT / folder).iterdir(), key=lambda p: (p.is_file(), p.name)):
            name = path.relative_to(ROOT).as_posix()
            if path.name.startswith((".", "__")):
                continue
            known = path.is_dir() or is_source(name) or name in self.sources or name in self.documents
            shown = literally(path.name + "/" * path.is_dir())
            lines.append(f"- [{shown}]({relative(self.page_of(name), page)})" if known else f"- {shown}")
        write(page, "\n".join(lines) + "\n")

    def write_source_index(self):
        def place(file, line):
            return f"[{literally(file)}]({relative(self.page_of(file), 'source/')}#line-{line})"
        lines = ["# Source", "", "The files that the book speaks of, and those that carry the tag of a formula.", ""]
        if self.tagged:
            lines += ["## Formulas", "", "| formula | explained in | computed or checked in |", "|---|---|---|"]
        for tag in sorted(self.tagged, key=lambda t: (t.split("-")[0], int(t.split("-")[1]))):
            chapter = ""
            if tag in self.explained:
                _, document, anchor, heading = self.explained[tag]
                about = heading if heading == self.titles[document] else f"{self.titles[document]}: {heading}"
                chapter = f"[{literally(about)}]({relative(self.page_of(document), 'source/')}#{anchor})"
            places = dict(reversed(self.tagged[tag]))  # the first line of each file
            files = ", ".join(place(file, places[file]) for file in reversed(places))
            lines.append(f"| \\[{tag}\\] | {chapter} | {files} |")
        lines += ["", "## Files", "", "| folder | files |", "|---|---|"]
        for folder in sorted({os.path.dirname(file) for file in self.sources}):
            files = [f"[{literally(os.path.basename(file))}]({relative(self.page_of(file), 'source/')})"
                     for file in sorted(self.sources) if os.path.dirname(file) == folder]
            lines.append(f"| {literally(folder) or '.'} | {', '.join(files)} |")
        write("source/index.md", "\n".join(lines) + "\n")

    def write_contents(self):
        """In place of docs/README.md, if there is none."""
        write("index.md", "# Tare\n\n" + "".join(
            f"- [{literally(self.titles[d])}]({self.page_of(d)})\n" for d in self.documents if d.startswith("docs/")))

    def navigation(self):
        def section(folder):
            index = f"docs/{folder}/README.md"
            return [self.page_of(d) for d in self.documents if d == index] + [
                {self.titles[d]: self.page_of(d)} for d in sorted(self.documents)
                if d.startswith(f"docs/{folder}/") and d != index]
        others = {self.titles[d]: self.page_of(d) for d in self.documents
                  if os.path.dirname(d) == "docs" and d not in ("docs/README.md", "docs/ARCHITECTURE.md")}
        everything = {"Contents": "index.md", "Chapters": section("chapters"), "Exercises": section("exercises"),
                      "Experiments": section("experiments"), "Appendices": section("appendices"),
                      "Playground": PLAYGROUND_PAGE, "Architecture": "ARCHITECTURE.md", **others,
                      "Source": "source/index.md"}
        return [{title: pages} for title, pages in everything.items() if pages]

    def write(self):
        written = set()
        while pending := {*self.documents, *self.folders} - written:  # a page may lead to a further one
            for path in sorted(pending):
                (self.write_folder if path in self.folders else self.write_document)(path)
            written |= pending
        if "docs/README.md" not in self.documents:
            self.write_contents()
        for file in sorted(self.sources):
            self.write_source(file)
        self.write_source_index()


def copy_assets():
    assets = STAGING / "docs/assets"
    (assets / "katex/fonts").mkdir(parents=True)
    for name in ("katex.js", "katex.min.css", "contrib/auto-render.js"):
        shutil.copy(KATEX / name, assets / "katex")
    for font in KATEX.glob("fonts/*.woff2"):
        shutil.copy(font, assets / "katex/fonts")
    for name in ("site.css", "site.js"):
        shutil.copy(ROOT / "docs/site" / name, assets)
    shutil.copy(ROOT / PLAYGROUND, PAGES / PLAYGROUND_PAGE)


site = Site()
site.write()
copy_assets()
# JSON is YAML.
(STAGING / "mkdocs.yml").write_text(json.dumps({
    "INHERIT": str(ROOT / "docs/site/mkdocs.yml"), "nav": site.navigation(),
    "theme": {"custom_dir": str(ROOT / "docs/site/theme")}, "hooks": [str(ROOT / "docs/site/hooks.py")]}))
