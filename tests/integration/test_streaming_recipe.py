# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A recipe names streams, and the source that cannot be used; a run on a stream is resumed bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numbers_data import numbered_stream, write_numbered_shards
from sample_files import colour_ramp, depth_ramp, write_pairs
from tiny_model import MakeModel
from training_runs import ANCHORED, CARD, assert_same_checkpoint

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


RGB = colour_ramp()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shards")
    write_numbered_shards(root)
    return root


def test_a_recipe_names_streams_and_the_source_that_cannot_be_used(shards: Path, tmp_path: Path) -> None:
    model = ModelArguments(encoder_config="{}", input_size=14)
    write_pairs(tmp_path / "pairs", RGB, depth_ramp(), ["a", "b"])
    pairs = {"path": str(tmp_path / "pairs"), "weight": 1.0}
    stream = {"path": str(shards), "weight": 2.0, "streaming": True}
    mixture = DataArguments(train_data=[stream, pairs]).mixture(model, seed=3)  # type: ignore[list-item]
    assert isinstance(mixture, StreamingMixture) and mixture.seed == 3
    assert np.allclose(mixture.weights, [2 / 3, 1 / 3])
    assert next(mixture.part(0, 1))["pixel_values"].shape == (3, 14, 14)
    for picture in (tmp_path / "pairs" / "images").iterdir():
        picture.write_bytes(b"")
    with pytest.raises(ValueError, match=r"pairs: none of its first samples can be used.*the file is empty"):
        DataArguments(train_data=[stream, pairs]).mixture(model, seed=3)  # type: ignore[list-item]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        DataArguments(train_data=[str(shards), str(tmp_path / "nowhere")]).mixture(model, seed=3)


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_run_on_a_stream_is_resumed_bit_for_bit(tmp_path: Path, make_tiny_model: MakeModel) -> None:
    (tmp_path / "shards").mkdir()
    mixture = numbered_stream(tmp_path / "shards")

    def run(folder: Path, seed: int = 0, resume: str | None = None) -> None:
        arguments = TrainingArguments(
            output_dir=str(folder),
            max_steps=6,
            per_device_train_batch_size=3,
            save_steps=2,
            cutmix_probability=0.5,
            max_zero_share=1.0,
            resume_from_checkpoint=resume,
        )
        processor = DepthAnythingImageProcessor.for_input_size(14)
        objective = SupervisedRelative(ANCHORED)
        fit(
            make_tiny_model(seed=seed), objective, arguments, mixture, processor=processor, pretrained=False, card=CARD
        )

    run(tmp_path / "straight")
    shutil.copytree(tmp_path / "straight", tmp_path / "resumed")
    for name in ("checkpoint-4", "checkpoint-6"):
        shutil.rmtree(tmp_path / "resumed" / name)
    (tmp_path / "resumed" / "model.safetensors").unlink()
    run(tmp_path / "resumed", seed=7, resume="latest")
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-6", tmp_path / "resumed" / "checkpoint-6")
