# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hooks of mkdocs: the changelog as a page, searches that show tasks first, nothing asked of other servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any


CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
# A search finds each word somewhere in the docstrings, whose headings are names of functions: they come last.
LAST_IN_SEARCHES, BOOST_OF_LAST = ("reference/", "changelog.md"), 0.001
# The theme asks GitHub for stars and releases where a link to the repository has this mark.
ASKS_GITHUB = ' data-md-component="source"'


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the Markdown of a page; of the changelog that in the root of the repository, with links as from docs/."""
    if page.file.src_uri.startswith(LAST_IN_SEARCHES):
        page.meta.setdefault("search", {"boost": BOOST_OF_LAST})
    if page.file.src_uri != "changelog.md":
        return markdown
    return CHANGELOG.read_text(encoding="utf-8").replace("](docs/", "](")


def on_post_page(output: str, **_: Any) -> str:
    """Return the HTML of a page without what makes a browser ask another server."""
    return output.replace(ASKS_GITHUB, "")


def on_post_template(output_content: str, **_: Any) -> str:
    """Return likewise what is no page of docs/: that of a missing address."""
    return on_post_page(output_content)
