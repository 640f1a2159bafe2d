# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A scan finds the files that a walk finds, in the order of their paths."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from depth_anything_hf.data.decoding.files import visible_files
from depth_anything_hf.data.index import looks, scan, scan_log
from depth_anything_hf.data.index.looks import Listings, one_opening
from depth_anything_hf.data.index.scan import list_ahead, regular, scan_files, walk_folders
from depth_anything_hf.data.index.settings import MODE_VARIABLE
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


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


SCAN_AND_TELL_MEMORY = """
import gc, sys
from pathlib import Path
import psutil
from depth_anything_hf.data.index import scan
from depth_anything_hf.data.index.remembered import remember_files

# Each thread keeps what its largest folder takes.
scan.WAITING, scan.THREADS = float(sys.argv[3]), 2

def private():
    gc.collect()
    return psutil.Process().memory_full_info().uss

for root in sys.argv[1:3]:
    before = private()
    entries = remember_files("files", Path(root), {}, lambda: scan.scan_files(root))
    print(len(entries), private() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give memory back in their own ways")
def test_what_a_scan_has_freed_is_given_back(tmp_path: Path) -> None:
    """Of 40,000 names of 240 letters, which take 10 MB."""
    for root, folders in (("few", 2), ("many", 40)):
        for folder in range(folders):
            (tmp_path / root / f"{folder:02}").mkdir(parents=True)
            for number in range(1000):
                (tmp_path / root / f"{folder:02}" / f"{number:0>240}").touch()
    for waiting, mode in ((-1.0, "in threads"), (2.0, "in one")):
        command = [sys.executable, "-c", SCAN_AND_TELL_MEMORY, *(str(tmp_path / root) for root in ("few", "many"))]
        environment = {**os.environ, CACHE_VARIABLE: str(tmp_path / mode), MODE_VARIABLE: "always"}
        output = subprocess.run([*command, str(waiting)], env=environment, check=True, capture_output=True, text=True)
        (few, _), (many, private) = (map(int, line.split()) for line in output.stdout.splitlines())
        assert (few, many) == (2_000, 40_000) and private < 5 * 2**20, mode
