# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images are named relative to their source, and never by a place on the machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from depth_anything_hf.utils.image_names import Naming


@pytest.mark.parametrize("relative", [True, False])
def test_only_the_folder_itself_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("images") if relative else tmp_path / "images"
    naming = Naming(folder, tmp_path / "labels")
    names = ["1.png", "train_images/1.png", "images/1.png", "images/images/1.png"]
    assert [naming.name(str(folder / name)) for name in names] == names
    assert naming.name(str(tmp_path / "images" / "1.png")) == "1.png"
    assert naming.name(str(tmp_path / "elsewhere" / "1.png")) == "1.png"
    assert naming.name("../../home/somebody/1.png") == "1.png"
    assert naming.name("row 3 (a/b.png)") == "row 3 (a/b.png)"
    assert naming.message(f"{folder}/a.png: no {folder}/b.png in x{folder}/c.png").startswith("a.png: no b.png in x")
    assert naming.reason("/home/somebody/x.png: empty") == "x.png: empty"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("images/a.png", "images/a.png"), ("../../home/somebody/a.png", "a.png"), ("/data/x/b.png", "b.png")),
        *((r"C:\Users\somebody\a.png", "a.png"), ("file:///home/somebody/a.png", "a.png")),
        ("https://host/a/b.png", "https://host/a/b.png"),
    ],
)
def test_names_without_a_folder_of_their_own_name_no_place(name: str, expected: str) -> None:
    for source in (object(), SimpleNamespace(root=None), SimpleNamespace(root=3)):
        assert Naming.of_source(source).name(name) == expected


def test_a_source_names_its_images_below_its_root(tmp_path: Path) -> None:
    root: Any
    for root in (tmp_path, str(tmp_path), f"{tmp_path}/."):
        naming = Naming.of_source(SimpleNamespace(root=root))
        assert naming.name(str(tmp_path / "depth" / "a.png")) == "depth/a.png"
        assert naming.reason(f"{tmp_path}/a.png: no file") == "a.png: no file"


@pytest.mark.parametrize(
    "name",
    [
        *("a.png", "sub/a b.png", "root/a.png", "/root/a.png", "~/a.png", "C:\\a.png", "C:/a.png", "a/../b.png"),
        *("../a.png", "caf\udce9.png", "größe.png", "a\\b.png", "file:///a.png", "./a.png", "", "https://host/a.png"),
    ],
)
@pytest.mark.parametrize("root", [None, "root", "/root", "a"])
def test_a_name_that_is_kept_quickly_is_kept(name: str, root: str | None) -> None:
    naming = Naming(root)
    assert naming.name(name) == name or not naming.keeps(name)
    assert naming.keeps("other/b.png")
