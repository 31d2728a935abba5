"""What happens after mkdocs has built the site: the search forgets the sources' text, and every link is followed."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from mkdocs.exceptions import PluginError


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("id", "name"):
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def on_post_build(config):
    site = Path(config["site_dir"])
    index = site / "search" / "search_index.json"
    content = json.loads(index.read_text())
    for entry in content["docs"]:  # otherwise most of what a search finds, and most of what a page has to load
        if entry["location"].startswith("source/"):
            entry["text"] = ""
    index.write_text(json.dumps(content))

    # What stands behind the playground's # is a state, no anchor.
    pages = {path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")
             if path != site / "playground.html"}
    broken = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(urljoin("/" + name, link))
            target = unquote(parts.path).lstrip("/") or "index.html"
            if parts.scheme:
                continue
            if not (site / target).is_file():
                broken.append(f"{name}: {link}: there is no such file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                broken.append(f"{name}: {link}: there is no such anchor")
    if broken:
        raise PluginError("Links that lead nowhere:\n" + "\n".join(sorted(set(broken))))
