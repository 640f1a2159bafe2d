# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A scan finds the files that a walk finds, in the order of their paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from depth_anything_hf.data.decoding.files import visible_files
from depth_anything_hf.data.index import looks, scan, scan_log
from depth_anything_hf.data.index.looks import Listings, one_opening
from depth_anything_hf.data.index.scan import list_ahead, regular, scan_files, walk_folders


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    names = ("a.png", "m.png", "z.png", "m/1.png", "m/k/2.png", "m!/3.png", "m/.hidden/4.png", ".5.png", "b/6.jpg")
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    far = tmp_path / "far"
    (far / "inside").mkdir(parents=True)
    (far / "7.png").touch()
    (far / "inside" / "8.png").touch()
    for name, target in {"link": far, "again": far, "loop": root, "b/up": root / "m", "n.png": root / "a.png"}.items():
        (root / name).symlink_to(target)
    (root / "broken.png").symlink_to("nowhere")
    return root


def test_a_scan_finds_what_a_walk_finds_in_the_order_of_paths(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sorted(visible_files(tree))
    assert list(scan_files(tree)) == expected and len(expected) == 11
    monkeypatch.chdir(tree)
    assert list(scan_files(".")) == sorted(visible_files(Path())) == [path.relative_to(tree) for path in expected]
    assert not scan_files(tree / "nowhere").runs
    with one_opening():
        files = regular(scan_files(tree))
    assert [path for path in expected if path.is_file()] == list(files)


def test_folders_are_walked_as_the_system_walks_them(tree: Path) -> None:
    expected, seen = [], set()
    for place, folders, _ in os.walk(tree, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(name for name in folders if not name.startswith("."))
        seen.add(real)
        expected.append((place, list(folders)))
    assert [(place, list(names)) for place, names in walk_folders(tree)] == expected


@pytest.mark.parametrize("waiting", [-1.0, 2.0])
def test_listing_ahead_lists_all_folders_with_and_without_threads(
    tree: Path, monkeypatch: pytest.MonkeyPatch, waiting: float
) -> None:
    monkeypatch.setattr(scan, "PROBED", 1)
    monkeypatch.setattr(scan, "WAITING", waiting)
    listings = Listings()
    list_ahead(tree, listings)
    assert set(listings.known) == {str(tree / name) for name in (".", "b", "m", "m/k", "m!")}


def test_a_scan_that_was_killed_is_taken_up_where_it_was(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "GRANULARITY_NS", 0)
    monkeypatch.setattr(scan_log, "AFTER_SECONDS", 0.0)
    log, listed = tree.parent / "log", []
    of_folder = looks._list

    def list_two(path: str, *rest: object) -> object:
        if len(listed) == 3:
            raise KeyboardInterrupt
        listed.append(path)
        return of_folder(path, *rest)

    monkeypatch.setattr(looks, "_list", list_two)
    listings = Listings()
    with pytest.raises(KeyboardInterrupt), scan_log.ScanLog(log, listings):
        list_ahead(tree, listings)
    # As a kill in the middle of a line leaves it.
    log.write_bytes(log.read_bytes() + b'12345678 ["half')
    (tree / "m" / "new.png").touch()
    monkeypatch.setattr(looks, "_list", of_folder)
    listings = Listings()
    with scan_log.ScanLog(log, listings) as resumed:
        list_ahead(tree, listings)
    whole = Listings()
    list_ahead(tree, whole)
    assert listings.known == whole.known and "new.png" in listings.known[str(tree / "m")].names()
    assert resumed.resumed == len([path for path in listed if path != str(tree / "m")]) and not log.exists()
