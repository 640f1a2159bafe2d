# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Links inside of README, docs, changelog and cards lead to headings that are there; pictures have texts."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from file_server import FileServer
from site_hooks import ASKS_GITHUB, on_post_page


ROOT = Path(__file__).parents[1]
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)|<img\b([^>]*)>")
HEADING = re.compile(r"^#+ +(.+?)(?: *\{#([\w-]+)\})? *$", re.MULTILINE)

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))


def load_script(name: str) -> Any:
    """Return a script of continuous integration as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


@cache
def text_of(paper: Path) -> str:
    return CODE.sub("", paper.read_text(encoding="utf-8"))


@cache
def anchors_of(paper: Path) -> set[str]:
    """Return the anchors of headings, as GitHub and Python-Markdown make them."""
    found: set[str] = set()
    without_blocks = re.sub(r"^```.*?^```$", "", paper.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for title, given in HEADING.findall(without_blocks):
        words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", title).lower()).strip()
        found |= {given, words.replace(" ", "-"), re.sub(r"[-\s]+", "-", words)} - {""}
    return found


@each_paper
def test_links_and_their_headings_are_there(paper: Path) -> None:
    wrong = []
    for link in LINK.findall(text_of(paper)):
        path, _, anchor = link.partition("#")
        if re.match(r"\w+:", link):
            continue
        target = paper if not path else (paper.parent / path)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            wrong.append(link)
    assert wrong == []


@each_paper
def test_pictures_are_there_and_have_texts(paper: Path) -> None:
    for text, path, attributes in PICTURE.findall(text_of(paper)):
        if attributes:
            assert re.search(r'alt="[^"]+"', attributes), attributes
            continue
        assert len(text.split()) > 1 or "cards" in paper.parts, f"{path}: say what there is to see, got {text!r}"
        assert text.strip() and (path.startswith("https://") or (paper.parent / path).is_file())


def test_addresses_are_well_formed_and_told_once() -> None:
    found = load_script("links").addresses()
    assert len(found) > 80
    for address, path in found.items():
        parts = urlsplit(address)
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), f"{path}: {address}"
        assert "//" not in parts.path and not re.search(r"[^\x21-\x7e]", address), f"{path}: {address}"
    # One server by one name, with or without a final slash.
    assert {address.rstrip("/") for address in found if f"{address}/" in found} == set()
    assert [each for each in found if each.startswith("http:") and each.replace("http:", "https:") in found] == []


def test_pages_that_are_gone_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    links = load_script("links")
    monkeypatch.setattr(links, "NOT_PAGES", re.compile("https?://ns"))
    (tmp_path / "docs").mkdir()
    with FileServer({"there.html": b"page"}) as server:
        (tmp_path / "README.md").write_text(f"([one]({server.url}/there.html)). http://ns.x.org/ {server.url}/gone.")
        monkeypatch.setattr(sys, "argv", ["links.py", "--root", str(tmp_path)])
        assert links.main() == 1
        told = capsys.readouterr().out
        assert f"README.md: {server.url}/gone: 404" in told and "1 of 2 pages are there" in told
    assert links.main() == 2 and "is there a network?" in capsys.readouterr().out


# As the theme writes its link to the repository.
ASKS = '<a class="md-source" data-md-component="source">'


def test_what_a_built_site_lacks_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    script = load_script("site")
    monkeypatch.setattr(sys, "argv", ["site.py", str(tmp_path)])
    with pytest.raises(SystemExit):
        script.main()
    assert "build it by `make docs`" in capsys.readouterr().err
    for folder in ("one", "assets", "search"):
        (tmp_path / folder).mkdir()
    (tmp_path / "assets" / "a picture.png").touch()
    whole = '<a href="one/#here"><a href="#top"><img src="assets/a%20picture.png" id="top"/><a href="https://x.org/y">'
    (tmp_path / "index.html").write_text(whole)
    (tmp_path / "search" / "search_index.json").write_text('{"docs": [{"location": "one/#here"}]}')
    (tmp_path / "one" / "index.html").write_text('<h2 id="here">One</h2><a href="..">')
    assert script.main() == 0
    assert capsys.readouterr().out == "2 pages: nothing is missing\n"
    missing = '<a href="two/"><a href="one/#there"><a href="/one/"><a href="../outside"><img src="b.png">'
    (tmp_path / "index.html").write_text(f'{missing}<script src="https://x.org/y.js"></script><a href="#top">{ASKS}')
    (tmp_path / "search" / "search_index.json").write_text('{"docs": [{"location": "one/#gone"}]}')
    assert script.main() == 1
    assert ASKS_GITHUB not in on_post_page(ASKS)
    assert capsys.readouterr().out.splitlines() == [
        "index.html: #top: no anchor 'top' there",
        "index.html: ../outside: no such file",
        "index.html: b.png: no such file",
        "index.html: loads https://api.github.com/ from another server",
        "index.html: loads https://x.org/y.js from another server",
        "index.html: one/#there: no anchor 'there' there",
        "index.html: two/: no such file",
        "search: one/#gone: no anchor 'gone' there",
    ]
