# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Masks, fits and lists to drop as flags and fields: which sources they are of, the record, the card, a resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_shards import SIZE
from masked_labels import masked_row, write_masked_shard
from tiny_model import TINY_DECODER, TINY_ENCODER

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.parser import RecipeParser
from depth_anything_hf.recipes.student import TYPES, DistillationArguments, run
from depth_anything_hf.recipes.training_sources import with_notes
from depth_anything_hf.training.arguments import TrainingArguments


NAMES = [f"{index}.png" for index in range(6)]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    rows = [masked_row(name, source_row=index, fit_ok=index != 5) for index, name in enumerate(NAMES)]
    write_masked_shard(tmp_path / "labels" / "labels-00000-of-00001.parquet", rows)
    return tmp_path / "labels"


def data_of(*flags: str) -> DataArguments:
    words = ["--encoder_config", json.dumps(TINY_ENCODER), "--output_dir", "run", *flags]
    parts = RecipeParser(TYPES, verb="distill").parse(words).parts
    return next(part for part in parts if isinstance(part, DataArguments))


def test_flags_hold_for_sources_that_do_not_say_themselves(tmp_path: Path) -> None:
    (tmp_path / "drop.txt").write_text("a.png\n")
    flags = ["--ignore_masks", "sky", "teachers", "--mask_weight", "0.2", "--keep_bad_fits"]
    record = data_of("--train_data", "labels", *flags, "--drop", str(tmp_path / "drop.txt")).record[0]
    assert (record["ignore_masks"], record["mask_weight"]) == (["sky", "teachers"], 0.2)
    assert record["keep_bad_fits"] is True
    assert len(record["drop"]) == 64
    own = {"path": "b", "ignore_masks": ["flip"], "kind": "table"}
    both = DataArguments(train_data=["a", own], rehearsal="old", ignore_masks=["sky"], mask_weight=0.5)  # type: ignore[list-item]
    assert [each.get("ignore_masks") for each in both.record] == [["sky"], ["flip"], None]
    assert [each.get("mask_weight") for each in both.record] == [0.5, 0.0, None]


def test_bad_fits_are_kept_of_the_sources_that_have_fits() -> None:
    photos: Any = {"path": "nyu", "kind": "nyu"}
    both = DataArguments(train_data=["a", photos], keep_bad_fits=True)
    assert [each.get("keep_bad_fits") for each in both.record] == [True, None]
    with pytest.raises(ValueError, match=r"none among the training data \(nyu of kind 'nyu'\); leave"):
        _ = DataArguments(train_data=[photos], keep_bad_fits=True).record
    with pytest.raises(ValueError, match=r"nyu: keep_bad_fits is for pseudo-labels .* kind 'nyu' has no fits"):
        _ = DataArguments(train_data=[{**photos, "keep_bad_fits": True}]).record


def test_a_record_without_them_is_that_of_earlier_versions() -> None:
    known = {"path", "kind", "label", "image_column", "label_column", "scale", "invalid_values", "sky_value"}
    known |= {"max_depth", "split", "weight", "limit", "streaming", "open_shards", "options", "exif"}
    assert set(data_of("--train_data", "labels").record[0]) == known


def test_flags_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="which is of one source, and train_data has 2"):
        DataArguments(train_data=["a", "b"], drop="drop.txt")
    with pytest.raises(ValueError, match="mask_weight"):
        DataArguments(train_data=["a"], ignore_masks=["sky"], mask_weight=2)
    with pytest.raises(SystemExit):
        data_of("--train_data", "labels", "--mask_weight", "0.2")


def test_an_online_teacher_makes_no_masks_and_a_score_has_no_weights(labels: Path) -> None:
    model = ModelArguments(encoder_config=dict(TINY_ENCODER), input_size=56)  # type: ignore[arg-type]
    data = DataArguments(train_data=[str(labels)], ignore_masks=["sky"])
    with pytest.raises(ValueError, match="a teacher makes the labels during training, and these have no masks"):
        data.mixture(model, seed=0, keep_clean=True)
    held_out: Any = {"path": str(labels), "ignore_masks": ["sky"], "mask_weight": 0.5}
    with pytest.raises(
        ValueError, match=r"eval_data .*: mask_weight is 0.5, but in a score a pixel counts or does not"
    ):
        DataArguments(train_data=[str(labels)], eval_data=held_out).evaluation()
    held_out = {"path": str(labels), "ignore_masks": ["sky"]}
    evaluation = DataArguments(train_data=[str(labels)], eval_data=held_out).evaluation()
    assert evaluation is not None
    assert np.isnan(evaluation.dataset[0]["disparity"]).sum() == SIZE[0] * SIZE[1] // 2


def test_notes_are_added_to_names_and_entries() -> None:
    entries = ["a", {"name": "b", "note": "predicted by c"}, {"name": "d"}]
    assert with_notes(entries, {"a": "x", "b": "y"}) == [
        {"name": "a", "note": "x"},
        {"name": "b", "note": "predicted by c; y"},
        {"name": "d"},
    ]


def test_a_run_tells_what_it_leaves_out_and_is_not_resumed_with_another_list(labels: Path, tmp_path: Path) -> None:
    drop = tmp_path / "drop.txt"
    drop.write_text(f"{NAMES[1]}\n{NAMES[2]}\t2\n")
    model = ModelArguments(encoder_config=dict(TINY_ENCODER), decoder_config=dict(TINY_DECODER), input_size=56)  # type: ignore[arg-type]

    def train(**options: Any) -> Any:
        data = DataArguments(train_data=[str(labels)], ignore_masks=["teachers"], mask_weight=0.3, drop=str(drop))
        size = {"per_device_train_batch_size": 2, "max_steps": 2, "save_steps": 1}
        arguments = TrainingArguments(str(tmp_path / "run"), **size, **options)
        return run(model, data, DistillationArguments(), RelativeLoss(anchor_weight=1.0), arguments)

    train()
    record = json.loads((tmp_path / "run" / "training_arguments.json").read_text())["recipe"]["data"][0]
    assert record["left_out"]["dropped"] == 2
    assert record["left_out"]["bad_fits"] == 1
    assert record["samples"] == 3
    card = (tmp_path / "run" / "README.md").read_text()
    assert "without 2 rows of a list to drop and 1 row with a bad fit of the two teachers" in card
    drop.write_text(f"{NAMES[1]}\n")
    with pytest.raises(ValueError, match="drop"):
        train(resume_from_checkpoint="latest")
    drop.write_text(f"# again\n{NAMES[2]}\t2\n{NAMES[1]}\n")
    train(resume_from_checkpoint="latest")
