# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hooks of mkdocs: the changelog of the repository becomes a page of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any


CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the Markdown of a page; of the changelog that in the root of the repository, with links as from docs/."""
    if page.file.src_uri != "changelog.md":
        return markdown
    return CHANGELOG.read_text(encoding="utf-8").replace("](docs/", "](")
