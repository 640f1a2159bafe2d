# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards that `pseudo-label` writes, alone and as one of several processes."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import files_below, run

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
    assert "2 images labelled in 2 shards" in result.output
    samples = open_source(str(tmp_path / "labels"))
    assert [samples[index]["name"] for index in range(2)] == ["a.png", "sub/b.jpg"]
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["data"] == "photos" and provenance["teacher"] == model.name
    other = run(*arguments, "--input-size", "56")
    assert other.exit_code == 1 and "error:" in other.output and "input_size: 42 there, 56 now" in other.output


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
