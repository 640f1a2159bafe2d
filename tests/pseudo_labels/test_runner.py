# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A labelling job from its arguments: its share of the images, its checks, its push."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_model import MakeModel

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.data_source import DataSource
from depth_anything_hf.pseudo_labels.runner import LabelArguments, label, number_of_process, push


@pytest.fixture
def teacher(make_tiny_model: MakeModel, tmp_path: Path) -> str:
    make_tiny_model().save_pretrained(tmp_path / "teacher")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "teacher")
    return str(tmp_path / "teacher")


def test_numbers_of_processes_come_from_the_launcher_before_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    assert number_of_process() == 0
    monkeypatch.setenv("SLURM_PROCID", "3")
    assert number_of_process() == 3
    monkeypatch.setenv("RANK", "1")
    assert number_of_process() == 1


def test_two_processes_label_each_image_once(teacher: str, labelled_folder: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "labels")
    shared = {"shard_size": 3, "device": "cpu", "process_count": 2}
    reports = [
        label(LabelArguments(teacher, str(labelled_folder / "images"), folder, process_index=index, **shared))
        for index in range(2)
    ]
    assert [report.labelled for report in reports] == [5, 3]
    assert not {*reports[0].shards} & {*reports[1].shards}


def test_labels_are_pushed_with_the_licenses_of_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = {}

    def record(folder: str, name: str, **options: object) -> str:
        pushed.update(options, folder=folder, name=name)
        return "https://hub/labels"

    monkeypatch.setattr("depth_anything_hf.pseudo_labels.push.push_labels_when_complete", record)
    arguments = LabelArguments("t", "d", "labels", push_to_hub="owner/labels", teacher_license="apache-2.0")
    assert push(arguments) == "https://hub/labels"
    assert pushed == {
        "folder": "labels",
        "name": "owner/labels",
        "private": False,
        "image_license": None,
        "teacher_license": "apache-2.0",
        "scale_teacher_license": None,
        "sky_teacher_license": None,
    }
    with pytest.raises(ValueError, match="give push_to_hub"):
        push(LabelArguments("t", "d", "labels"))


@pytest.mark.parametrize("name", ["limit", "window_batches"])
def test_counts_are_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"--{name} must be at least 1, got 0"):
        LabelArguments("t", "d", "labels", **{name: 0})


def test_streams_are_fetched_as_those_of_training_by_default() -> None:
    # `--help` does not import what opens data.
    arguments, source = LabelArguments("t", "d", "o"), DataSource("d", streaming=True)
    assert (arguments.cache_size, arguments.read_timeout) == (source.cache_size, source.read_timeout)


def test_a_seed_for_images_that_keep_their_order_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_order permutes nothing, but seed 4 was given"):
        LabelArguments("t", "d", "labels", keep_order=True, seed=4)
    assert LabelArguments("t", "d", "labels", keep_order=True).seed == 0


def test_an_output_is_refused_before_the_teacher_is_opened(labelled_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "provenance.json").write_text('{"author": "me"}')
    (tmp_path / "labels").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "labels" / "labels-00000-of-00001.parquet")
    for place, message in (
        ("file/a", "is a file"),
        ("own", "not the record"),
        ("labels", "without a provenance.json"),
    ):
        with pytest.raises((OSError, ValueError), match=message):
            label(LabelArguments("no/such-teacher", str(labelled_folder), str(tmp_path / place)))
