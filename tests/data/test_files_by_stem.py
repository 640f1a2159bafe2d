# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files by their stem: what it costs to look them up."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.data.files_by_stem import FilesByStem
from depth_anything_hf.data.index.file_runs import FileRuns


def test_a_folder_with_folders_among_its_files_is_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, folder = FileRuns(), Path("/data/a")
    for number in range(50):
        runs.add(str(folder), [f"{number:02}.png"])
        runs.add(str(folder / f"{number:02}"), ["depth.png"])
    looked_up: list[str] = []
    find = FilesByStem._find
    monkeypatch.setattr(FilesByStem, "_find", lambda self, inside: looked_up.append(inside) or find(self, inside))
    files = dict(FilesByStem(Path("/data"), runs).items())
    assert len(files) == 100 and files["a/07"] == Path("/data/a/07.png")
    assert files["a/07/depth"] == Path("/data/a/07/depth.png")
    assert sorted(looked_up) == sorted(["a", *(f"a/{number:02}" for number in range(50))])
