# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names that are not UTF-8 are escaped, no two become one, and the escape can be undone."""

from __future__ import annotations

import os

import pytest

from depth_anything_hf.utils.printable_names import original_name, printable_name, printable_text


pytestmark = pytest.mark.skipif(os.sep != "/", reason="backslashes separate folders")


@pytest.mark.parametrize(
    ("name", "printable"),
    [
        ("a/b c.png", "a/b c.png"),
        ("caf\u00e9.png", "caf\u00e9.png"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), r"caf\xe9.png"),
        (r"caf\xe9.png", r"caf\\xe9.png"),
        ("a\\\\b", r"a\\\\b"),
        ("\ud800", r"\ud800"),
        (r"\ud800", r"\\ud800"),
    ],
)
def test_names_are_escaped_and_back(name: str, printable: str) -> None:
    assert printable_name(name) == printable and original_name(printable) == name
    printable.encode("utf-8")


def test_backslashes_of_messages_stay() -> None:
    assert printable_text("a\\n \udce9") == r"a\n \xe9"
