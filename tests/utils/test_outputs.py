# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""An output that cannot be written, or would replace a file of the user, is refused before the work starts."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from depth_anything_hf.utils.outputs import check_file, check_folder, is_same_file, lies_in, refuse_to_replace


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "folder")
    check_folder(tmp_path)
    check_file(tmp_path / "new" / "file.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "to_nothing").symlink_to(tmp_path / "absent")
    for place in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(NotADirectoryError, match=r"is a file; choose another one$"):
            check_folder(place)
    with pytest.raises(NotADirectoryError, match="link to nothing"):
        check_folder(tmp_path / "to_nothing" / "a")
    with pytest.raises(IsADirectoryError, match="add the name of the file"):
        check_file(tmp_path)
    with pytest.raises(NotADirectoryError):
        check_file(tmp_path / "file" / "camera.json")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no files from anybody")
def test_a_folder_that_takes_no_files_is_named() -> None:
    with pytest.raises(OSError, match=r"/proc/self/out cannot be written: .*; check that /proc/self is a folder"):
        check_folder(Path("/proc/self/out"))


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="the disk is full; free disk space") as caught:
        check_folder(tmp_path / "out")
    assert caught.value.errno == errno.ENOSPC and list(tmp_path.iterdir()) == []


def test_the_first_files_are_named_and_the_others_counted(tmp_path: Path) -> None:
    refuse_to_replace([], "")
    with pytest.raises(FileExistsError, match=r"^a, b: already there .*; choose another folder$"):
        refuse_to_replace([Path("a"), Path("b")], "choose another folder")
    with pytest.raises(FileExistsError, match="4 and 2 more: already there"):
        refuse_to_replace([Path(str(number)) for number in range(7)], "")


def test_one_file_of_several_names_is_known(tmp_path: Path) -> None:
    first, other = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    other.write_text("x")
    os.link(first, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(first)
    assert is_same_file(first, tmp_path / "hard") and is_same_file(first, tmp_path / "soft")
    assert not is_same_file(first, other) and not is_same_file(first, tmp_path / "absent")


def test_what_lies_in_a_folder_is_known_through_links(tmp_path: Path) -> None:
    (tmp_path / "data" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert lies_in(tmp_path / "data", tmp_path / "link") and lies_in(
        tmp_path / "link" / "new" / "a", tmp_path / "data"
    )
    assert lies_in(tmp_path / "other" / ".." / "data" / "a", tmp_path / "data")
    assert not lies_in(tmp_path / "data-2", tmp_path / "data") and not lies_in(tmp_path, tmp_path / "data")
    assert not lies_in(tmp_path / "a", tmp_path / "absent")
