# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Text by hand survives when a card is written again."""

from __future__ import annotations

from depth_anything_hf.hub.markdown import merge_own_text


def test_own_text_of_two_cards_is_joined_once() -> None:
    here, there = (f"# Card\n\n<!-- keep -->\n{text}\n<!-- /keep -->\n" for text in ("Here.", "There."))
    joined = merge_own_text(here, there)
    assert joined.count("Here.") == joined.count("There.") == joined.count("<!-- keep -->") == 1
    assert merge_own_text(here, joined) == joined and merge_own_text(joined, there) == joined
    assert merge_own_text(here, "---\nlicense: mit\n---\n") == here
