# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of equal content."""

from __future__ import annotations

from depth_anything_hf.data.checks.file_copies import equal_files


def test_files_of_equal_content_are_found_in_one_list_and_in_two(tmp_path):
    paths = {}
    for name, content in {"a": b"12", "b": b"34", "c": b"12", "d": b"5", "e": b"12"}.items():
        paths[name] = str(tmp_path / name)
        (tmp_path / name).write_bytes(content)
    gone = str(tmp_path / "gone")
    assert equal_files([*paths.values(), gone]) == [(paths["a"], paths["c"]), (paths["a"], paths["e"])]
    assert equal_files([paths["b"], paths["c"]], [paths["a"], paths["d"]]) == [(paths["c"], paths["a"])]
    # One and the same file is no copy of itself.
    assert equal_files([paths["a"]], [paths["a"]]) == []
