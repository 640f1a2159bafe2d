# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files are found without hidden ones, and their bytes come with a name for messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.files import files_below, read_bytes


def test_bytes_come_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"content")
    sources: list[tuple[Any, str]] = [
        (path, str(path)),
        (str(path), str(path)),
        ({"bytes": None, "path": str(path)}, str(path)),
        ({"bytes": b"content", "path": "row.png"}, "row.png"),
        ({"bytes": b"content", "path": None}, "bytes"),
        (b"content", "bytes"),
        (memoryview(b"content"), "bytes"),
    ]
    for source, name in sources:
        assert read_bytes(source) == (b"content", name)


def test_what_is_no_content_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(UnreadableImageError, match=r"empty\.png: the file is empty \(0 bytes\); copy or download it"):
        read_bytes(tmp_path / "empty.png")
    with pytest.raises(UnreadableImageError, match="expected a cell with bytes or a path, got one with neither"):
        read_bytes({"bytes": None, "path": None})
    with pytest.raises(FileNotFoundError, match=r"absent\.png: no such file"):
        read_bytes(tmp_path / "absent.png")
    with pytest.raises(TypeError, match="expected a path, bytes or a cell with bytes and path, got float"):
        read_bytes(1.5)  # type: ignore[arg-type]


def test_a_folder_is_told_from_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"is a folder, expected a file; give the files in it"):
        read_bytes(tmp_path)


def test_files_are_found_at_any_depth_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.PNG", "sub/deeper/a.png", "sub/c.jpg", ".hidden/d.png", "sub/.e.png", "f.txt", "folder.png/g.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, [".png"])]
    assert found == ["b.PNG", "folder.png/g.png", "sub/deeper/a.png"]
