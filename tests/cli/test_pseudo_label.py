# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards that `pseudo-label` writes, alone and as one of several processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import files_below, run, run_process

from depth_anything_hf.data.sources import open_source


def test_pseudo_label_writes_shards_that_open(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "2 images labelled in 2 shards" in result.output and "(of 1 .jpg, 1 .png)" in result.output
    again = run(*arguments)
    assert "nothing left to do: 2 images were labelled before in 2 shards" in again.output
    next((tmp_path / "labels").glob("labels-00001*")).unlink()
    assert "1 image labelled now, 2 with earlier runs in 2 shards" in run(*arguments).output
    samples = open_source(str(tmp_path / "labels"))
    assert {samples[index]["name"] for index in range(2)} == {"a.png", "sub/b.jpg"}
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["data"] == "photos" and provenance["teacher"] == model.name
    assert (provenance["order"], provenance["seed"]) == ("permuted", 0)
    other = run(*arguments, "--input-size", "56")
    assert other.exit_code == 1 and "error:" in other.output and "input_size: 42 there, 56 now" in other.output
    kept = run(*arguments, "--keep-order")
    assert kept.exit_code == 1 and "order: 'permuted' there, 'kept' now" in kept.output


def test_a_launched_process_takes_its_share(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    assert run(*arguments, RANK="1", WORLD_SIZE="2").exit_code == 0
    assert files_below(tmp_path / "labels") == [
        "labels-00001-of-00002.parquet",
        "manifest/labels-00001-of-00002.entry",
        "provenance.json",
    ]


@pytest.mark.slow
def test_two_processes_of_one_command_share_the_images(model: Path, photos: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    command = ("-m", "depth_anything_hf.cli", "pseudo-label", photos, "--teacher", model, "--output_dir", labels)
    ran = run_process(*command, "--shard-size=1", "--num_processes", "2", ACCELERATE_USE_CPU="true")
    assert ran.returncode == 0, ran.stderr
    for index in range(2):
        assert f"process {index}: 1 image labelled in 1 shard, see {labels}" in ran.stdout
    assert "2 labels in 2 shards" in run("verify", labels).output


def test_the_images_may_be_named_by_an_option_too(model: Path, photos: Path, tmp_path: Path) -> None:
    options = ("--teacher", model, "--output_dir", tmp_path / "labels", "--device", "cpu")
    assert run("pseudo-label", "--data", photos, *options).exit_code == 0
    assert run("pseudo-label", photos, *options).exit_code == 0
    twice, missing = run("pseudo-label", photos, "--data", photos, *options), run("pseudo-label", *options)
    assert twice.exit_code == 2 and "given twice" in twice.output
    assert missing.exit_code == 2 and "Missing --data" in missing.output


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--num_processes", "2", "--process_count", "3"), {}),
        (("--num_processes", "2", "--process_index", "1"), {}),
        (("--process_index", "0"), {"RANK": "1", "WORLD_SIZE": "2", "DEPTH_ANYTHING_HF_LAUNCHED": "1"}),
        (("--process_count", "1"), {"RANK": "0", "WORLD_SIZE": "2", "DEPTH_ANYTHING_HF_LAUNCHED": "1"}),
    ],
)
def test_processes_of_one_command_cannot_be_given_the_same_share(
    model: Path, photos: Path, tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    result = run("pseudo-label", photos, "-m", model, "-o", tmp_path / "labels", *words, **environment)
    assert result.exit_code == 2, result.output
    assert "--process_index and --process_count cannot be combined" in " ".join(result.output.split())
    assert not (tmp_path / "labels").exists()


def test_there_is_at_least_one_process(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("pseudo-label", photos, "-m", model, "-o", tmp_path / "labels", "--process_count", "0")
    assert result.exit_code == 2 and "--process_count must be at least 1, got 0" in result.output
