# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Look whether each link, picture and script of the built site is in it, and each anchor on its page.

python .ci/site.py build/site       # exit code 1 where something is missing, with the page that asks for it

mkdocs looks at links of Markdown only: not at HTML within, at pages of docstrings, at what the theme asks for, and at
what the search leads to. Nor may a page load anything from another server.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


# Attributes that a browser follows by itself, and those that it follows when asked to.
LOADED = {
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("object", "data"),
}
LOADED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload"}


@dataclass
class Page(HTMLParser):
    """The links of a page, what it loads, and the anchors on it."""

    path: Path
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            is_loaded = bool(LOADED_RELATIONS & set(given.get("rel", "").split()))
            (self.loaded if is_loaded else self.links).append(given["href"])
        if given.get("data-md-component") == "source":
            # The theme's script asks it for stars and releases.
            self.loaded.append("https://api.github.com/")
        self.loaded += [given[name] for each, name in LOADED if each == tag and name in given]

    handle_startendtag = handle_starttag


def problems(site: Path) -> list[str]:
    """Return what the pages of a site ask for in vain, a line each."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        place = path.relative_to(site).as_posix()
        elsewhere = [address for address in page.loaded if urlsplit(address).netloc]
        found += [f"{place}: loads {address} from another server" for address in elsewhere]
        for address in {*page.links, *page.loaded}:
            problem = _problem_of(address, path, site, pages)
            if problem is not None:
                found.append(f"{place}: {address}: {problem}")
    index = site / "search" / "search_index.json"
    for entry in json.loads(index.read_text(encoding="utf-8"))["docs"] if index.is_file() else []:
        problem = _problem_of(entry["location"], site / "index.html", site, pages)
        if problem is not None:
            found.append(f"search: {entry['location']}: {problem}")
    return sorted(found)


def _problem_of(address: str, page: Path, site: Path, pages: dict[Path, Page]) -> str | None:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    base = site if parts.path.startswith("/") else page.parent
    target = Path(base, unquote(parts.path).lstrip("/")).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"no anchor {anchor!r} there"
    return None


def main() -> int:
    """Print what is missing."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="folder that `mkdocs build` has written")
    site = parser.parse_args().site.resolve()
    if not (site / "index.html").is_file():
        parser.error(f"there is no site in {site}; build it by `make docs`")
    found = problems(site)
    print("\n".join(found) if found else f"{sum(1 for _ in site.rglob('*.html'))} pages: nothing is missing")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
