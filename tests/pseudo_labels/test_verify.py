# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Damaged, missing and repeated labels are found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import run
from label_runs import PROVENANCE, label
from label_shards import SIZE, files_in, row, write_shard
from sample_files import png_bytes

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.dataset_card import write_label_card
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE, check_labels_folder
from depth_anything_hf.pseudo_labels.shards import (
    entry_path,
    read_completed,
    read_entry,
    shard_name,
)
from depth_anything_hf.pseudo_labels.verify import missing_shards, verify_labels


def test_sound_labels_are_counted(shard: Path) -> None:
    report = verify_labels(shard.parent)
    assert report.is_sound
    assert (report.shards, report.labelled, report.skipped) == (1, 2, [("c", "broken")])


def test_a_flipped_bit_anywhere_is_found(shard: Path) -> None:
    content = shard.read_bytes()
    for position in np.linspace(0, len(content) - 1, 12).astype(int):
        flipped = bytearray(content)
        flipped[position] ^= 1
        shard.write_bytes(flipped)
        ((name, reason),) = verify_labels(shard.parent, check_pixels=False).damaged
        assert name == shard.name and "checksum" in reason
    shard.write_bytes(content)
    assert verify_labels(shard.parent).is_sound


def test_damaged_shards_are_named_and_removed_on_request(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path / shard_name(index, 3), [row("a" * (index + 1))]) for index in range(3)]
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    paths[2].write_bytes(b"")
    entry_path(paths[2]).unlink()
    report = verify_labels(tmp_path, remove_damaged=True)
    assert [name for name, _ in report.damaged] == [paths[0].name, paths[2].name]
    assert "by the manifest" in report.damaged[0][1] and "truncated" in report.damaged[1][1]
    assert files_in(tmp_path) == sorted([f"manifest/{paths[1].stem}.entry", paths[1].name])
    assert report.labelled == 1 and not report.is_sound


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 9}, r"its label is \(6, 8\) and its image \(6, 9\)"),
        ({"image": {"bytes": png_bytes(np.zeros((6, 9, 3), np.uint8)), "path": "x.png"}}, r"its image is \(6, 9\)"),
        ({"image": {"bytes": b"no picture", "path": "x.png"}}, "not an image"),
        ({"image": {"bytes": None, "path": None}}, "expected a cell with bytes or a path"),
        ({"disparity": {"bytes": b"no label", "path": "x.png"}}, "not a readable label"),
        ({"disparity": {"bytes": png_bytes(np.zeros(SIZE, np.uint8)), "path": "x.png"}}, "16-bit"),
        (
            {"disparity": {"bytes": cv2.imencode(".png", np.full(SIZE, 9, np.uint16))[1].tobytes()}},
            "by its stored range",
        ),
        ({"disparity_maximum": float("nan")}, "by its stored range"),
        ({"disparity_encoding": "square"}, "encoding of disparity must be one of"),
    ],
)
def test_rows_that_no_training_could_use_are_found(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_shard(tmp_path / shard_name(0, 1), [row("a"), row("bb", **changes)])
    ((_, reason),) = verify_labels(tmp_path).damaged
    assert reason.startswith("bb: ") and re.search(message, reason)
    assert verify_labels(tmp_path, check_pixels=False).is_sound


def test_names_that_occur_twice_are_told(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(0, 2), [row("a"), row("bb")])
    write_shard(tmp_path / shard_name(1, 2), [row("bb"), row("ccc")])
    report = verify_labels(tmp_path)
    assert report.duplicates == ["bb"] and not report.damaged and not report.is_sound


def test_missing_shards_are_named_by_what_the_run_set_out_to_do(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(1, 3), [row("a")])
    provenance = {"images": 5, "shard_size": 2, "input_shards": None}
    (tmp_path / PROVENANCE_FILE).write_text(json.dumps(provenance))
    assert verify_labels(tmp_path).missing == [shard_name(0, 3), shard_name(2, 3)]


def test_missing_parts_of_input_shards_are_named(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(0, 3, 0), [row("a")], is_last=False)
    write_shard(tmp_path / shard_name(0, 3, 1), [row("bb")])
    write_shard(tmp_path / shard_name(1, 3, 0), [row("ccc")], is_last=False)
    (tmp_path / PROVENANCE_FILE).write_text(json.dumps({"images": None, "shard_size": 1, "input_shards": 3}))
    assert verify_labels(tmp_path).missing == [shard_name(1, 3, 1), shard_name(2, 3, 0)]


def test_a_sound_shard_without_an_entry_gets_one(shard: Path) -> None:
    entry = read_entry(shard)
    entry_path(shard).unlink()
    assert verify_labels(shard.parent).is_sound
    assert read_entry(shard) == entry


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="check the path"):
        verify_labels(tmp_path)


@pytest.fixture
def mixed(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> Path:
    """Labels of teacher A, with one shard of teacher B and no manifest's line for it."""
    for teacher in "AB":
        provenance = {"teacher": f"teacher-{teacher}", "package_version": teacher}
        label(predictor, photos, tmp_path / teacher, provenance=provenance)
    name = shard_name(1, 3)
    shutil.copy(tmp_path / "B" / name, tmp_path / "A" / name)
    entry_path(tmp_path / "A" / name).unlink()
    return tmp_path / "A"


def test_a_shard_of_another_teacher_is_found_and_made_again(
    predictor: DepthPredictor, photos: Path, mixed: Path
) -> None:
    ((name, reason),) = verify_labels(mixed).damaged
    assert name == shard_name(1, 3)
    assert reason == "it is of another run: teacher: 'teacher-B' there, 'teacher-A' here"
    card = write_label_card(mixed, title="x").read_text()
    assert "the teacher `teacher-A` or `teacher-B` (shards differ)" in card
    assert "| teacher | teacher-A (2 shards), teacher-B (1 shard) |" in card
    provenance = {"teacher": "teacher-A", "package_version": "A"}
    assert label(predictor, photos, mixed, provenance=provenance).labelled_now == 3
    assert verify_labels(mixed).is_sound
    assert "the teacher `teacher-A` predicted" in write_label_card(mixed, title="x").read_text()


def test_without_provenance_the_shards_tell_what_is_missing_and_which_is_foreign(mixed: Path) -> None:
    (mixed / PROVENANCE_FILE).unlink()
    (mixed / shard_name(0, 3)).unlink()
    shutil.copy(mixed / shard_name(2, 3), mixed / shard_name(0, 5))
    report = verify_labels(mixed)
    assert report.missing == missing_shards(mixed) == [shard_name(0, 3)]
    assert dict(report.damaged) == {
        shard_name(0, 5): "it is of another run: its name is none of this run's",
        shard_name(1, 3): "it is of another run: teacher: 'teacher-B' there, 'teacher-A' here",
    }


def test_names_alone_tell_what_is_missing(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(2, 3), [row("a")])
    assert verify_labels(tmp_path).missing == missing_shards(tmp_path) == [shard_name(0, 3), shard_name(1, 3)]


def test_another_version_of_the_package_is_no_fault(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    provenance = {**PROVENANCE, "package_version": "0.1.0"}
    report = label(predictor, photos, tmp_path, provenance=provenance)
    report.shards[1].unlink()
    label(predictor, photos, tmp_path, provenance={**provenance, "package_version": "0.1.1"})
    assert verify_labels(tmp_path).is_sound
    card = write_label_card(tmp_path, title="x").read_text()
    assert "| package_version | 0.1.0 (2 shards), 0.1.1 (1 shard) |" in card


def test_only_files_that_were_written_as_shards_are_removed(tmp_path: Path) -> None:
    own = [write_shard(tmp_path / shard_name(index, 4), [row("a" * (index + 1))]) for index in range(3)]
    own[0].write_bytes(own[0].read_bytes()[:-100])
    theirs = [tmp_path / "labels-mine.parquet", tmp_path / shard_name(3, 4), tmp_path / shard_name(4, 4)]
    for path in theirs[:2]:
        pq.write_table(pa.table({"name": ["x"]}), path)
    theirs[2].write_text("name,depth")
    # In place of a shard that was there.
    shutil.copy(theirs[0], own[1])
    report = verify_labels(tmp_path, remove_damaged=True)
    assert report.removed == [own[0].name] and not own[0].exists()
    assert all(path.is_file() for path in (*theirs, own[1], own[2]))
    reasons = dict(report.damaged)
    assert all("not written by this package; move it" in reasons[path.name] for path in theirs)
    shown = run("verify", tmp_path, "--remove_damaged")
    assert shown.exit_code == 1 and f"damaged: {theirs[0].name}" in shown.output and theirs[0].is_file()
    assert "out of the folder: " in shown.output
    (tmp_path / PROVENANCE_FILE).write_text('{"shard_size": 1}')
    with pytest.raises(FileExistsError, match=rf"{theirs[1].name}, .*{theirs[2].name}: already there"):
        check_labels_folder(tmp_path)


@pytest.mark.parametrize("part", [None, 0])
def test_a_shard_in_the_place_of_another_is_found_and_made_again(tmp_path: Path, part: int | None) -> None:
    # Of streams rows are counted in each input shard anew, so that no image of the copy seems to occur twice.
    paths = [write_shard(tmp_path / shard_name(index, 2, part), [row("a" * (index + 1))]) for index in range(2)]
    assert verify_labels(tmp_path).is_sound
    shutil.copy(paths[0], paths[1])
    entry_path(paths[1]).unlink()
    assert read_completed(paths[1]) is None and read_completed(paths[0]) is not None
    report = verify_labels(tmp_path, remove_damaged=True)
    assert report.damaged == [(paths[1].name, f"it was written as {paths[0].name}: a copy, or renamed")]
    assert not paths[1].exists() and paths[0].exists()


def test_a_number_beyond_the_count_of_shards_is_foreign(tmp_path: Path) -> None:
    for index in range(2):
        write_shard(tmp_path / shard_name(index, 2), [row("a" * (index + 1))])
    write_shard(tmp_path / shard_name(7, 2), [row("aaa")])
    report = verify_labels(tmp_path)
    assert [name for name, _ in report.damaged] == [shard_name(7, 2)] and report.labelled == 2


def test_records_and_paths_that_are_none_are_told(shard: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no labels"):
        verify_labels(shard)
    (shard.parent / PROVENANCE_FILE).write_text("[]")
    with pytest.raises(ValueError, match="expected one JSON object"):
        verify_labels(shard.parent)
