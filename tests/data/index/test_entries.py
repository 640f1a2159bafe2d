# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Entries give back every path as it was, from memory, from a file and in another process."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path

import pytest

from depth_anything_hf.data.index.blocks import BLOCK_ROWS, BlockWriter
from depth_anything_hf.data.index.entries import ENTRIES_FILE, FOLDERS_FILE, Entries, Names, entries_in_memory
from depth_anything_hf.data.index.file_runs import FileRuns
from depth_anything_hf.data.index.pair_runs import PairRuns


ODD_ENDS = ("", "\u00e9", os.fsdecode(b"\xe9"))


def some_pairs(seed: int) -> list[tuple[str, str]]:
    choose = random.Random(seed)
    pairs = []
    for _ in range(20):
        folder, other = choose.choice(["a", "/b/c", ".", "\u00fc/x"]), choose.choice(["d", ".", os.fsdecode(b"\xff")])
        ending, other_ending = choose.choice([".png", "_rgb.jpg", ""]), choose.choice([".npy", ".png"])
        for _ in range(choose.choice([1, 2, 80])):
            stem = f"{choose.randint(0, 10**6)}{choose.choice(ODD_ENDS)}"
            label = stem if choose.random() < 0.9 else f"l{stem}"
            places = (f"{folder}/{stem}{ending}", f"{other}/{label}{other_ending}")
            pairs.append((os.path.normpath(places[0]), os.path.normpath(places[1])))
    return pairs


@pytest.mark.parametrize("seed", range(5))
def test_pairs_come_back_as_they_were(tmp_path: Path, seed: int) -> None:
    pairs = some_pairs(seed)
    kept = PairRuns.of_paths(pairs)
    BlockWriter(str(tmp_path / ENTRIES_FILE), str(tmp_path / FOLDERS_FILE)).write(kept.runs)
    for entries in (entries_in_memory(kept), Entries(tmp_path, len(pairs))):
        again = pickle.loads(pickle.dumps(entries))
        assert [again.pair(index) for index in range(len(again))] == pairs
        assert list(entries.images()) == [image for image, _ in pairs]
        assert entries.pair(-1) == pairs[-1] and len(entries.limit(7)) == 7
        assert list(entries.limit(7).images()) == [image for image, _ in pairs[:7]]
        for outside in (len(pairs), -len(pairs) - 1):
            with pytest.raises(IndexError, match="out of range"):
                entries.image(outside)
    # Of entries in a file, only where they lie is handed to other processes.
    assert len(pickle.dumps(Entries(tmp_path, len(pairs)))) < 500


def test_many_files_take_few_bytes_and_labels_of_the_same_names_none() -> None:
    count = 3 * BLOCK_ROWS + 5
    images = [f"/data/images/frame_{number:08}.jpg" for number in range(count)]
    labels = [f"/data/depth/depth_{number:08}.png" for number in range(count)]
    alone = entries_in_memory(FileRuns.of_paths(images))
    pairs = entries_in_memory(PairRuns.of_paths(zip(images, labels, strict=True)))
    assert [pairs.pair(index) for index in (0, 4096, count - 1)] == [
        (images[index], labels[index]) for index in (0, 4096, count - 1)
    ]
    sizes = [len(entries.__reduce__()[1][0][0]) for entries in (alone, pairs)]
    assert sizes[1] < sizes[0] + 1000 and sizes[0] < 14 * count


def test_names_are_a_sequence_like_the_list_that_they_were() -> None:
    names = Names(entries_in_memory(FileRuns.of_paths(["a/1.png", "a/2.png", "b/3.png"])))
    assert names == ["a/1.png", "a/2.png", "b/3.png"] and names != ["a/1.png"] and names != "a"
    assert names[1:] == ["a/2.png", "b/3.png"] and names[-1] == "b/3.png" and "a/2.png" in names
    assert sorted([*names, "a/0.png"])[0] == "a/0.png" and len(names) == 3
