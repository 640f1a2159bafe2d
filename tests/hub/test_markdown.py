# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Text by hand survives when a card is written again."""

from __future__ import annotations

import pytest

from depth_anything_hf.hub.markdown import code_block, code_span, inline, merge_own_text, python_text, table


def test_own_text_of_two_cards_is_joined_once() -> None:
    here, there = (f"# Card\n\n<!-- keep -->\n{text}\n<!-- /keep -->\n" for text in ("Here.", "There."))
    joined = merge_own_text(here, there)
    assert joined.count("Here.") == joined.count("There.") == joined.count("<!-- keep -->") == 1
    assert merge_own_text(here, joined) == joined and merge_own_text(joined, there) == joined
    assert merge_own_text(here, "---\nlicense: mit\n---\n") == here


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *(("a|b", r"a\|b"), ("a\\|b", r"a\\\|b"), ("`a|b`", r"`a\|b`"), ("a\nb\tc", "a b c"), ("a`b", r"a\`b")),
        ("<b>x</b> & <!-- y", "&lt;b>x&lt;/b> & &lt;!-- y"),
        ("`<b>` < 2, &lt; [l](u) ![p](u)", r"`<b>` < 2, &amp;lt; [l]\(u) ![p]\(u)"),
        ("bell\x07 \u202eturned", r"bell\x07 \u202eturned"),
    ],
)
def test_no_name_breaks_a_table(value: str, cell: str) -> None:
    assert table(("Name",), [(value,)]) == f"| Name |\n| --- |\n| {cell} |"
    assert "\n" not in inline(value)


def test_code_may_hold_any_name() -> None:
    assert [code_span(name) for name in ("a", "a`b", "`a`", "x\ny")] == ["`a`", "``a`b``", "`` `a` ``", "`x y`"]
    assert code_block("a ``` b", "yaml") == "````yaml\na ``` b\n````"
    name = 'a"b\\c\n\u00e9'
    assert eval(python_text(name)) == name
