# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints open complete and with their processor, or an error names what is missing."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_predictors import SIDE, random_image, tiny_config, tiny_dpt, tiny_model
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification, DPTForDepthEstimation
from transformers import DepthAnythingForDepthEstimation as StockDepthAnything
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


def test_the_weights_are_loaded_in_the_precision_asked_for(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", dtype="bfloat16")
    assert opened.precision == "bfloat16" and opened.predict(random_image((20, 30))).dtype == np.float32


def test_another_input_size_changes_what_the_model_sees(checkpoint: Path) -> None:
    opened = DepthPredictor.from_pretrained(checkpoint, device="cpu", input_size=42)
    assert opened.input_size == 42
    processed = opened.processor(images=random_image((42, 84)), return_tensors="pt")["pixel_values"]
    assert processed.shape == (1, 3, 42, 84)
    with pytest.raises(ValueError, match=r"multiple of 14, e.g. 42"):
        DepthPredictor.from_pretrained(checkpoint, device="cpu", input_size=45)


def test_a_checkpoint_of_stock_transformers_opens_as_our_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    StockDepthAnything(tiny_config()).save_pretrained(tmp_path)
    DPTImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, ensure_multiple_of=14, keep_aspect_ratio=True
    ).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert isinstance(opened.model, DepthAnythingForDepthEstimation) and opened.input_size == SIDE


def test_without_processor_files_depth_anythings_settings_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny_model().save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING):
        opened = DepthPredictor.from_pretrained(tmp_path, device="cpu")
    assert opened.input_size == 518 and "no preprocessor_config.json" in caplog.text


def test_stock_dpt_opens_with_its_own_processor_and_gives_disparity(tmp_path: Path) -> None:
    model = tiny_dpt()
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"no preprocessor_config.json.*'dpt'"):
        DepthPredictor.from_pretrained(tmp_path, device="cpu")
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    opened = DepthPredictor.from_pretrained(tmp_path, device="cpu", batch_size=2)
    assert isinstance(opened.model, DPTForDepthEstimation) and opened.prediction_kind == "disparity"
    image = random_image((40, 60))
    pixel_values = DPTImageProcessorPil(size={"height": 32, "width": 32})(images=image, return_tensors="pt")
    with torch.inference_mode():
        output = model(**pixel_values).predicted_depth
    expected = F.interpolate(output[:, None], size=(40, 60), mode="bilinear", align_corners=True)[0, 0].numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(opened.predict(image), expected, atol=1e-6)


def test_a_model_of_another_task_is_refused_by_name(tmp_path: Path) -> None:
    config = BertConfig(vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"'bert' model.*depth_anything.*dpt"):
        DepthPredictor.from_pretrained(tmp_path, device="cpu")


def test_weights_that_are_missing_damaged_or_of_another_shape_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    def copied(name: str) -> Path:
        return Path(shutil.copytree(checkpoint, tmp_path / name))

    lacking = copied("lacking")
    tensors = load_file(lacking / "model.safetensors")
    del tensors["head.conv2.weight"]
    save_file(tensors, lacking / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacking lacks 1 tensors, which would be random: head.conv2.weight"):
        DepthPredictor.from_pretrained(lacking)
    damaged = copied("damaged")
    os.truncate(damaged / "model.safetensors", 1000)
    with pytest.raises(ValueError, match=r"weights of .*damaged are damaged"):
        DepthPredictor.from_pretrained(damaged)
    other = copied("other")
    config = json.loads((other / "config.json").read_text())
    config["fusion_hidden_size"] *= 2
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"weights of .*other are damaged or do not fit"):
        DepthPredictor.from_pretrained(other)
    pieces = tmp_path / "pieces"
    DepthAnythingForDepthEstimation.from_pretrained(checkpoint).save_pretrained(pieces, max_shard_size="50KB")
    DepthAnythingImageProcessor.from_pretrained(checkpoint).save_pretrained(pieces)
    gone = sorted(pieces.glob("*.safetensors"))[1]
    gone.unlink()
    with pytest.raises((OSError, ValueError), match=gone.name):
        DepthPredictor.from_pretrained(pieces)


def test_a_model_that_is_neither_here_nor_on_the_hub_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="runs/nothing"):
        DepthPredictor.from_pretrained("runs/nothing")


def test_an_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such model folder"):
        DepthPredictor.from_pretrained(tmp_path / "absent")


def test_files_are_refused_with_what_to_do(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x.pth is a file, .*: depth-anything-hf convert .*x.pth FOLDER"):
        DepthPredictor.from_pretrained(tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"model.safetensors is a file, .*; its folder .* is one"):
        DepthPredictor.from_pretrained(checkpoint / "model.safetensors")
    with pytest.raises(FileNotFoundError, match=r"nothing.pth: no such file"):
        DepthPredictor.from_pretrained("nothing.pth")
