# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A key that is given twice is refused, in YAML and in JSON."""

from __future__ import annotations

import pytest

from depth_anything_hf.utils.unique_keys import KeyGivenTwiceError, load_json, load_yaml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is given twice, in lines 1 and 3"),
        ("a:\n  b: 1\n  b: 2\n", "the key 'b' is given twice, in lines 2 and 3"),
        ("1: a\n1: b\n", "the key 1 is given twice, in lines 1 and 2"),
        ("a: {b: 1, b: 1}\n", "the key 'b' is given twice, in lines 1 and 1"),
    ],
)
def test_in_yaml(text: str, said: str) -> None:
    with pytest.raises(KeyGivenTwiceError, match=said):
        load_yaml(text)


def test_in_json() -> None:
    with pytest.raises(KeyGivenTwiceError, match="the key 'b' is given twice"):
        load_json('{"a": [{"b": 1, "b": 2}]}')


def test_a_key_once_on_each_level_is_read() -> None:
    # What a merge brings may be replaced.
    text = "x: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\n"
    assert load_yaml(text)["y"] == {"a": 3, "b": 2}
    assert load_json('{"a": {"a": 1}}') == {"a": {"a": 1}}
