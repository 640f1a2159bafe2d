# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors in one line, and counts with the right form of a noun."""

from __future__ import annotations

import pytest

from depth_anything_hf.utils.messages import counted, errors_in_one_line, one_line


def test_a_message_of_several_lines_is_one() -> None:
    assert one_line(ValueError("a\n\n  b ")) == "error: a b"
    assert one_line(OSError()) == "error: OSError"


@pytest.mark.parametrize("error", [ValueError("a\nb"), FileNotFoundError("a b"), FloatingPointError("a b")])
def test_a_script_ends_with_the_line_and_code_1(error: Exception) -> None:
    @errors_in_one_line
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stopped:
        main()
    # Python writes text to the standard error, and exits with 1.
    assert stopped.value.code == "error: a b"


def test_bugs_keep_their_traceback_and_results_their_value() -> None:
    @errors_in_one_line
    def fail() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        fail()
    assert errors_in_one_line(lambda: 3)() == 3


def test_counts() -> None:
    assert [counted(count, "shard") for count in (0, 1, 2)] == ["0 shards", "1 shard", "2 shards"]
    assert counted(2, "entry", "entries") == "2 entries"
