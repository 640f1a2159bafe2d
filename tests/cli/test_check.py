# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`check`: exit codes, what is printed and saved, recipes and public datasets."""

from __future__ import annotations

import json

import fsspec
import pytest
from captured_datasets import write_scannet
from checked_scenes import write_scenes
from command_line import run
from masked_labels import masked_row, write_masked_shard
from readable_pages import problems_of

from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes") / "rooms", 4)


def test_a_sound_folder_ends_with_0_and_says_how_many_were_looked_at(scenes):
    result = run("check", scenes)
    assert result.exit_code == 0, result.output
    assert "4 samples with depth, all looked at" in result.output and "nothing found" in result.output
    sampled = run("check", scenes, "--samples", "2")
    assert "4 samples with depth, 2 looked at (--all for all)" in sampled.output
    assert "nothing found in 2 of 4 samples" in sampled.output


def test_findings_end_with_3_and_are_saved_with_pictures(scenes, tmp_path):
    output, record = tmp_path / "out", tmp_path / "check.json"
    words = ("check", scenes, "--scale", "1000", "-o", output, "--json", record)
    result = run(*words)
    assert result.exit_code == 3, result.output
    assert "-> set scale: 1 (--scale 1)" in result.output
    saved = json.loads(record.read_text(encoding="utf-8"))
    (source,) = saved["sources"]
    assert source["findings"][0]["settings"] == {"scale": 1.0} and len(source["rows"]) == 4
    assert json.loads((output / "check.json").read_text(encoding="utf-8")) == saved
    page = (output / "check.html").read_text(encoding="utf-8")
    assert problems_of(page) == []
    assert "1 finding" in page and "scale: 1" in page and "data:image/jpeg" in page
    assert (output / "check.png").read_bytes().startswith(b"\x89PNG")
    # A check replaces its own files, and no others.
    assert run(*words).exit_code == 3
    (output / "check.html").write_text("mine")
    refused = run(*words)
    assert refused.exit_code == 1 and "check.html" in refused.output
    assert (output / "check.html").read_text() == "mine"


def test_what_cannot_be_checked_ends_with_1_and_wrong_options_with_2(scenes, tmp_path):
    assert run("check", tmp_path / "absent").exit_code == 1
    for words in (
        ("check", scenes, "--label", "depht"),
        ("check", scenes, "--invalid_values", "none"),
        ("check", scenes, "--option", "every=2"),
        ("check", "scannett", "--root", tmp_path),
        ("check", "mine.yaml", "--scale", "1000"),
    ):
        assert run(*words).exit_code == 2, words


def test_sources_of_a_recipe_are_checked_against_that_of_evaluation(scenes, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"train_data:\n  - path: {scenes}\n    scale: 1\neval_data: {scenes}\n")
    result = run("check", recipe)
    assert result.exit_code == 3 and result.output.count("4 samples with depth") == 2
    assert "leak: 4 pictures" in result.output


def test_tables_elsewhere_are_read_as_a_stream(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    write_masked_shard(tmp_path / "rows.parquet", [masked_row("a"), masked_row("bb")])
    fsspec.filesystem("memory").pipe_file("/checked/rows.parquet", (tmp_path / "rows.parquet").read_bytes())
    result = run("check", "memory://checked/rows.parquet", "--against", "memory://checked/rows.parquet")
    assert "a stream with disparity, 2 samples looked at" in result.output, result.output
    assert "leak: 2 pictures" in result.output


def test_a_public_dataset_is_checked_by_name(tmp_path):
    write_scannet(tmp_path)
    result = run("check", "scannet", "--root", tmp_path, "--option", "every=2")
    assert "3 samples with depth, all looked at" in result.output, result.output
