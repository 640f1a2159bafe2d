# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Lists of rows to leave out: written, edited by hand, read, and looked up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depth_anything_hf.data.drop_list import DropList, DroppedRow, read_drop_list, write_drop_list


ODD_NAMES = ["#hash", '"quoted"', "with\ttab", " padded ", "new\nline", "größe.png", "row 5 (photo.jpg)", "a b.png"]


def test_every_name_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [DroppedRow(name, row) for name in ODD_NAMES for row in (None, 0, 12)]
    write_drop_list(tmp_path / "drop.txt", rows, ["a comment", ""])
    assert list(read_drop_list(tmp_path / "drop.txt")) == rows
    assert len(DropList(tmp_path / "drop.txt")) == len(rows)


def test_lists_that_say_the_same_have_one_digest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("b.png\t3\n# kept: c.png\n\na.png\n")
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfa.png\r\nb.png\t3\r\na.png\r\n")
    (tmp_path / "c.jsonl").write_text('{"name": "a.png", "why": 1}\n{"name": "b.png", "source_row": 3}\n')
    digests = {DropList(tmp_path / name).sha256 for name in ("a.txt", "b.txt", "c.jsonl")}
    assert len(digests) == 1
    (tmp_path / "d.txt").write_text("b.png\t4\na.png\n")
    assert DropList(tmp_path / "d.txt").sha256 not in digests


def test_rows_are_found_by_name_and_by_their_row(tmp_path: Path) -> None:
    write_drop_list(tmp_path / "drop.txt", [DroppedRow("a"), DroppedRow("b", 2), DroppedRow("c", 9), DroppedRow("d")])
    drop = DropList(tmp_path / "drop.txt")
    names = [("a",), ("b",), ("b",), ("x", "a"), ("c",), ("e",)]
    listed, used = drop.find(names, [0, 2, 3, None, None, 1])
    assert listed.tolist() == [True, True, False, True, False, False]
    assert used.sum() == 2
    assert drop.unused(used) == f"2 entries of {tmp_path / 'drop.txt'}, such as c (row 9), d"
    assert drop.unused(np.ones(4, dtype=bool)) == ""
    assert drop.holds(["b"], 2)
    assert not drop.holds(["b"], 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "b.png\nc.png\tthree\n", "line 2: expected name or name<TAB>source_row, got 'c.png"),
        ("a.jsonl", '{"name": "a"}\nb.png\n', 'line 2: expected {"name"'),
        ("a.jsonl", '{"source_row": 3}\n', "line 1"),
        ("a.jsonl", '{"name": "a", "source_row": true}\n', "no whole number"),
        ("a.txt", b"\xff\xfe\n", "UTF-8"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        DropList(path)
    with pytest.raises(FileNotFoundError, match="depth-anything-hf review"):
        DropList(tmp_path / "nothing.txt")


def test_an_empty_list_drops_nothing(tmp_path: Path) -> None:
    (tmp_path / "drop.txt").write_text("# nothing\n")
    drop = DropList(tmp_path / "drop.txt")
    assert len(drop) == 0
    assert not drop.find([("a",)], [1])[0].any()
