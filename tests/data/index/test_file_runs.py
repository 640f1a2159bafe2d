# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs of names hold the same files, in the same order, as lists of paths."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from depth_anything_hf.data.index import file_runs, pair_runs
from depth_anything_hf.data.index.file_runs import FileRuns, stem_of, suffix_of
from depth_anything_hf.data.index.pair_runs import PairRuns


NAMES = ["a.png", "b.PNG", "b.x.png", "c", "d.", "e..jpg", "f.tar.gz", "\u00fc.png", "g h.jpg"]
NAMES.append(os.fsdecode(b"\xe9.png"))


def some_paths(seed: int) -> list[Path]:
    choose = random.Random(seed)
    folders = ["a", "/b/c", ".", "a/d"]
    return [
        Path(folder, f"{choose.randint(0, 99)}{choose.choice(NAMES)}")
        for folder in choose.choices(folders, k=12)
        for _ in range(choose.choice([1, 1, 5, 90]))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_suffix_and_stem_are_those_of_paths(name: str) -> None:
    assert suffix_of(name) == Path(name).suffix and stem_of(name) == Path(name).stem


@pytest.mark.parametrize("seed", range(6))
def test_runs_answer_as_lists_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:
        monkeypatch.setattr(file_runs, "LONG_BYTES", 60)
        monkeypatch.setattr(file_runs, "LONGEST_RUN", 50)
        monkeypatch.setattr(pair_runs, "LONGEST_RUN", 50)
    paths = some_paths(seed)
    runs = FileRuns.of_paths(paths)
    assert list(runs) == paths and len(runs) == len(paths) and runs.first() == paths[0]
    assert list(FileRuns.of_paths(map(str, paths))) == paths
    assert runs.suffixes() == {path.suffix.lower() for path in paths}
    pictures = [path for path in paths if path.suffix.lower() == ".png"]
    assert list(runs.with_suffixes([".png"])) == pictures
    assert list(runs.with_suffixes([".png"], are_wanted=False)) == [path for path in paths if path not in pictures]
    assert list(runs.without(pictures[::2])) == [path for path in paths if path not in pictures[::2]]
    for count in (1, 3, 64, 10_000):
        assert runs.some(count) == paths[:: -(-len(paths) // count)]
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        groups.setdefault((path.parent, path.suffix.lower()), []).append(path)
    assert [list(each) for each in runs.alike()] == list(groups.values())
    pairs = list(zip(paths, reversed(paths), strict=True))
    assert list(PairRuns.of_paths(pairs)) == pairs and list(PairRuns.of_paths(pairs).images()) == paths


def test_names_of_long_runs_take_little() -> None:
    names = [f"frame_{number:08}.png" for number in range(1000)]
    run = file_runs.pack_run("a", names)
    assert run.names() == names and len(run.stored) < 5 * len(names) and run.may_have([b"_00000999"])
    assert not run.may_have([b"_00001000"]) and run == file_runs.pack_run("a", names)
