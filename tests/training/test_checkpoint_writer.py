# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind: models that open everywhere, cards that cost no weights, the newest checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from training_runs import ANCHORED, CARD, assert_equal_bits, make_engine, weights
from transformers import AutoImageProcessor, AutoModelForDepthEstimation
from versions import needs_auto_image_processor

from depth_anything_hf import DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.training.checkpoint_writer import CheckpointWriter
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.state import RunState
from depth_anything_hf.utils.manifest import find_damage


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_without_anything_for_the_card_there_is_one(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), card=None, max_steps=1)
    assert "# " in (tmp_path / "README.md").read_text()


def test_a_card_that_cannot_be_written_stops_the_run_at_its_beginning(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match=r"the model card cannot be written from .*TypeError: .*unheard_of"):
        train(tmp_path / "run", make_tiny_model(), card={**CARD, "unheard_of": 1})
    assert not (tmp_path / "run").exists()


def test_a_card_that_fails_at_the_end_costs_no_weights(tmp_path, train, make_tiny_model, monkeypatch, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("lr: 1")

    def spoil(model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        # Somebody puts a folder where the recipe was, while the run goes on.
        recipe.unlink()
        recipe.mkdir()
        return SupervisedRelative(ANCHORED)(model, batch, progress)

    train(tmp_path / "run", make_tiny_model(), objective=spoil, card={**CARD, "recipe": recipe}, max_steps=1)
    assert weights(tmp_path / "run")
    assert "is saved, but its card could not be written: IsADirectoryError" in capsys.readouterr().out


def test_what_a_person_wrote_into_the_card_is_kept(tmp_path, train, make_tiny_model):
    options = {"save_steps": 1, "max_steps": 2}
    train(tmp_path, make_tiny_model(), **options)
    for path, text in ((tmp_path, "of the run"), (tmp_path / "checkpoint-2", "of the checkpoint")):
        card = (path / "README.md").read_text()
        (path / "README.md").write_text(card.replace("<!-- /keep -->", f"My note {text}.\n<!-- /keep -->"))
    shutil.rmtree(tmp_path / "checkpoint-2")
    train(tmp_path, make_tiny_model(), resume_from_checkpoint="latest", **options)
    for path in (tmp_path, tmp_path / "checkpoint-2"):
        assert (path / "README.md").read_text().count("My note of the run.") == 1


@needs_auto_image_processor
def test_a_checkpoint_opens_here_and_in_stock_transformers(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), save_steps=1, ema_decay=0.5)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (56, 70, 3), dtype=np.uint8))
    for folder in (tmp_path / "checkpoint-1", tmp_path / "checkpoint-2", tmp_path):
        ours = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
        stock = AutoModelForDepthEstimation.from_pretrained(folder).eval()
        assert type(stock).__module__.startswith("transformers.")
        inputs = AutoImageProcessor.from_pretrained(folder)(images=picture, return_tensors="pt")
        with torch.no_grad():
            torch.testing.assert_close(
                ours(**inputs).predicted_depth, stock(**inputs).predicted_depth, rtol=1e-4, atol=1e-5
            )
        assert (folder / "README.md").is_file()
    assert_equal_bits(weights(tmp_path), weights(tmp_path / "checkpoint-2"))


def test_the_saved_model_is_the_average_where_one_is_kept(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=3, save_steps=1, ema_decay=0.75)
    raw = [load_file(tmp_path / f"checkpoint-{step}" / "state" / "model.safetensors") for step in (1, 2, 3)]
    published = weights(tmp_path)
    name = "head.conv1.weight"
    assert not torch.equal(published[name], raw[-1][name])
    # The average starts at the first step's weights.
    by_hand = raw[0][name]
    for state in raw[1:]:
        by_hand = 0.75 * by_hand + 0.25 * state[name]
    torch.testing.assert_close(published[name], by_hand, rtol=1e-6, atol=1e-8)


def test_only_the_newest_checkpoints_are_kept(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=12, save_steps=1, save_total_limit=2, per_device_train_batch_size=1)
    assert sorted(path.name for path in tmp_path.glob("*checkpoint*")) == ["checkpoint-11", "checkpoint-12"]


class OnAnotherMachine(CheckpointWriter):
    """A writer that does not see yet the folder that the main process of another machine has made."""

    def _empty_folder(self, target: Path) -> Path:
        folder = super()._empty_folder(target)
        shutil.rmtree(folder)
        return folder


def test_each_process_makes_its_own_view_of_the_folder(tmp_path, make_tiny_model):
    engine = make_engine(tmp_path, make_tiny_model())
    processor = DepthAnythingImageProcessor.for_input_size(56)
    writer = OnAnotherMachine(engine.accelerator, engine.arguments, processor, "relative", engine.rates, CARD)
    checkpoint = writer.save(engine, 1, RunState({"progress": {}}, {"data": {}}))
    assert find_damage(checkpoint) is None
    assert (checkpoint / "state" / "process-0.pt").is_file()
