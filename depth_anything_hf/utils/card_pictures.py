# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures that a card of this package shows, by which its own are known from those of the user."""

from __future__ import annotations

from pathlib import Path


PACKAGE = "depth_anything_hf"
# Beside the card.
PICTURES_FOLDER = "card"


def is_shown_by_card(picture: Path) -> bool:
    """Return whether a picture lies in `card/`, and a card of this package beside that folder shows it."""
    if picture.parent.name != PICTURES_FOLDER:
        return False
    try:
        card = (picture.parent.parent / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return PACKAGE in card and f"({PICTURES_FOLDER}/{picture.name})" in card
