# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A run that keeps its adapters: trained, pushed, read back and opened, with the predictions of its merged form."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from command_line import run
from hub_client import new_hub, push_model, use_hub
from hub_server import HubServer
from huggingface_hub.utils import enable_progress_bars
from PIL import Image
from tiny_model import TINY_SIDE_PIXELS, MakeModel
from versions import opens_kept_adapters

from depth_anything_hf import DepthAnythingImageProcessor, DepthPredictor
from depth_anything_hf.conversion.original import convert_to_original
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.inference.prediction_folder import describe_model
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.pseudo_labels.provenance import describe_teacher
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import build_model
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import TrainingArguments, fit


peft = pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("fresh_accelerate")

BASE, KEPT = "owner/base", "owner/kept"
PLAN = (
    "--encoder-strategy",
    "full",
    "--mixed-precision",
    "no",
    "--gradient_checkpointing",
    "none",
    "--optimizer",
    "adamw",
)
PLAN_ON = ("--input_size", "56", "--device", "h100")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with new_hub() as server:
        use_hub(monkeypatch, server, tmp_path / "home")
        yield server
    enable_progress_bars()


@pytest.fixture
def base(make_tiny_model: MakeModel, tmp_path: Path) -> Path:
    make_tiny_model().save_pretrained(tmp_path / "base")
    DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def photograph(labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the model's own size: this package and stock transformers enlarge the output differently."""
    place = tmp_path / "photographs"
    place.mkdir()
    Image.open(labelled_folder / "images" / "0.png").convert("RGB").save(place / "photograph.jpg")
    monkeypatch.chdir(place)
    return place / "photograph.jpg"


def train(folder: Path, labelled: Path, base: str, **arguments: Any) -> Path:
    start = build_model(ModelArguments(model_name_or_path=base, input_size=TINY_SIDE_PIXELS), seed=0)
    options: dict[str, Any] = {"max_steps": 2, "per_device_train_batch_size": 2, "max_zero_share": 1.0}
    options |= {"encoder_strategy": "lora", "lora_rank": 4, "encoder_learning_rate": 1e-2}
    fit(
        start.model,
        SupervisedRelative(RelativeLoss(anchor_weight=1.0)),
        TrainingArguments(output_dir=str(folder), **{**options, **arguments}),
        Mixture([DepthFolder(labelled)], TrainingTransform(TINY_SIDE_PIXELS)),
        **start.options,
        card={"role": "teacher", "lineage": start.lineage},
    )
    return folder


def predicted(name: str | Path, image: Path) -> np.ndarray:
    return DepthPredictor.from_pretrained(name, device="cpu").predict(image)


@opens_kept_adapters
def test_a_pushed_run_opens_from_the_hub_as_its_merged_form(
    hub: HubServer, base: Path, photograph: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    push_model(BASE, base)
    pushed = {"push_to_hub": True, "hub_model_id": KEPT, "hub_strategy": "end"}
    kept = train(tmp_path / "kept", labelled_folder, BASE, lora_merge=False, **pushed)
    merged = train(tmp_path / "merged", labelled_folder, BASE)
    files = hub.repositories["model", KEPT].files
    assert {"adapter_config.json", "adapter_model.safetensors", "preprocessor_config.json", "README.md"} <= set(files)
    assert not {"config.json", "model.safetensors"} & set(files)
    assert len(files["adapter_model.safetensors"]) < (merged / "model.safetensors").stat().st_size
    expected = predicted(merged, photograph)
    assert not np.allclose(predicted(BASE, photograph), expected, rtol=1e-3)
    for name in (KEPT, kept):
        assert (predicted(name, photograph) == expected).all()
    described = describe_model(str(kept), DepthPredictor.from_pretrained(kept, device="cpu").model.config)
    assert described["base"] == {"model": BASE, "commit": hub.repositories["model", BASE].head}
    # The card names the base, and its code runs.
    card = files["README.md"].decode()
    data = yaml.safe_load(card.split("---\n")[1])
    assert (data["base_model"], data["base_model_relation"], data["library_name"]) == (BASE, "adapter", "peft")
    assert "together with the weights of `owner/base`. These are loaded from the Hub." in card
    stock, own = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    for code, tolerance in ((stock, 1e-5 * np.ptp(expected)), (own, 0)):
        assert f'"{KEPT}"' in code
        names: dict[str, Any] = {}
        exec(compile(code, "card", "exec"), names)
        np.testing.assert_allclose(np.squeeze(np.asarray(names["disparity"])), expected, rtol=0, atol=tolerance)
    # Without the base, the message says which one it is, and where it is named.
    del hub.repositories["model", BASE]
    shutil.rmtree(tmp_path / "home" / "hub" / "models--owner--base")
    with pytest.raises(
        OSError, match=r"adapter_config.json names 'owner/base' as the model that its adapters belong to"
    ):
        predicted(KEPT, photograph)


def test_a_base_of_this_machine_is_warned_of_before_it_is_pushed(
    hub: HubServer, base: Path, labelled_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = {"push_to_hub": True, "hub_model_id": KEPT, "hub_strategy": "end"}
    train(tmp_path / "kept", labelled_folder, str(base), lora_merge=False, **pushed)
    assert f"warning: lora_merge is False, and {base} is a folder of this machine" in capsys.readouterr().out
    config = json.loads(hub.repositories["model", KEPT].files["adapter_config.json"])
    assert config["base_model_name_or_path"] == "base"


def test_commands_take_a_kept_run_as_they_take_a_merged_one(
    base: Path, photograph: Path, labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A path relative to another folder is found from any other one.
    monkeypatch.chdir(tmp_path)
    kept = train(tmp_path / "kept", labelled_folder, "base/", lora_merge=False)
    merged = train(tmp_path / "merged", labelled_folder, "base/")
    monkeypatch.chdir(tmp_path / "photographs")
    outputs = []
    for model in (kept, merged):
        place = tmp_path / f"{model.name}-out"
        for arguments in (
            ("predict", photograph, "--model", model, "--output", place / "predictions", "--raw", "--engine", "torch"),
            ("pseudo-label", photograph.parent, "--model", model, "--output", place / "labels"),
            ("evaluate", model, "--data", labelled_folder, "--output", place / "scores"),
        ):
            result = run(*arguments)
            assert result.exit_code == 0, result.output
        with np.load(place / "predictions" / "photograph.npz") as stored:
            outputs.append(stored["disparity"])
    assert (outputs[0] == outputs[1]).all()
    scores = [
        json.loads((tmp_path / f"{name}-out" / "scores" / "results.json").read_text()) for name in ("kept", "merged")
    ]
    assert scores[0]["mean"] == scores[1]["mean"]
    result = run("plan", kept, *PLAN, *PLAN_ON)
    assert result.exit_code == 0, result.output


def test_labels_and_predictions_know_adapters_by_their_base_too(
    base: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    kept = train(tmp_path / "kept", labelled_folder, str(base), lora_merge=False)
    predictor = DepthPredictor.from_pretrained(kept, device="cpu")
    teacher, model = describe_teacher(predictor, kept), describe_model(str(kept), predictor.model.config)
    assert set(teacher["weights_sha256"]) == {"adapter_model.safetensors", "base/model.safetensors"}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(model["files"])
    assert model["base"]["model"] == "base" and "model.safetensors" in model["base"]["files"]
    predictor.model.save_pretrained(base)
    assert describe_teacher(predictor, kept)["weights_sha256"] != teacher["weights_sha256"]
    assert describe_model(str(kept), predictor.model.config) != model


def test_a_kept_run_becomes_a_checkpoint_of_the_authors(
    base: Path, labelled_folder: Path, tmp_path: Path, make_tiny_model: MakeModel
) -> None:
    make_tiny_model(head_hidden_size=32).save_pretrained(base)
    kept = train(tmp_path / "kept", labelled_folder, str(base), lora_merge=False)
    merged = train(tmp_path / "merged", labelled_folder, str(base))
    found, expected = (
        torch.load(convert_to_original(folder, tmp_path / f"{folder.name}.pth"), weights_only=True)
        for folder in (kept, merged)
    )
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)
