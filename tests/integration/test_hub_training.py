# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about training that pushes: it never fails for the Hub, a repeated run completes the push, no token leaks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hub_client import READING_TOKEN, TOKEN, hub_environment, new_hub, use_hub
from hub_server import HubServer
from huggingface_hub import ModelCard
from huggingface_hub.utils import enable_progress_bars
from safetensors.torch import load_file
from tiny_model import TINY_ENCODER, TINY_SIDE_PIXELS, MakeModel
from versions import VALIDATES_AT_ENDPOINT

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training import trainer as training
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, TrainingArguments, fit


NAME = "owner/student"
EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.usefixtures("fresh_accelerate")

# Where this package cannot be imported: stock transformers on what the Hub has.
STOCK = """
import sys
sys.modules["depth_anything_hf"] = None
import numpy as np
from PIL import Image
from transformers import pipeline
estimate = pipeline("depth-estimation", model="owner/student")
np.save("depth.npy", estimate(Image.open(sys.argv[1]))["predicted_depth"].numpy())
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with new_hub() as server:
        use_hub(monkeypatch, server, tmp_path / "home")
        yield server
    enable_progress_bars()


def train(folder: Path, labelled: Path, make_model: MakeModel, **arguments: Any) -> None:
    defaults: dict[str, Any] = {"max_steps": 2, "per_device_train_batch_size": 2, "logging_steps": 1, "save_steps": 1}
    defaults |= {"max_zero_share": 1.0, "push_to_hub": True, "hub_model_id": NAME}
    fit(
        make_model(),
        SupervisedRelative(RelativeLoss(anchor_weight=1.0)),
        TrainingArguments(output_dir=str(folder), **{**defaults, **arguments}),
        Mixture([DepthFolder(labelled)], TrainingTransform(TINY_SIDE_PIXELS)),
        processor=DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS),
        pretrained=False,
        evaluation=Evaluation(DepthFolder(labelled, limit=3), EvaluationSettings(max_depth=20.0)),
        card={"role": "teacher", "lineage": {"encoder": "random weights"}, "command": "train.py --out runs"},
    )


def assert_published(hub: HubServer, folder: Path) -> None:
    """The repository holds the final model's files, bit for bit, and nothing that names files of this machine."""
    files = hub.repositories["model", NAME].files
    assert {"README.md", "config.json", "model.safetensors", "preprocessor_config.json"} <= set(files)
    assert {"card/loss-over-the-steps.png", "card/predictions.jpg"} <= set(files)
    for name, content in files.items():
        if not name.startswith("last-checkpoint/") and name != ".gitattributes":
            assert content == (folder / name).read_bytes(), name
    assert str(folder.parent).encode() not in b"".join(files.values())


def texts_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_publishes_model_card_and_pictures(
    hub: HubServer,
    tmp_path: Path,
    labelled_folder: Path,
    make_tiny_model: MakeModel,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "run"
    train(folder, labelled_folder, make_tiny_model, hub_strategy="checkpoint", hub_private_repo=True)
    assert_published(hub, folder)
    repository = hub.repositories["model", NAME]
    assert repository.private
    assert "last-checkpoint/manifest.json" in repository.files
    assert "last-checkpoint/state/trainer_state.pt" in repository.files
    card = ModelCard.load(folder / "README.md", ignore_metadata_errors=False)
    if VALIDATES_AT_ENDPOINT:
        card.validate()
    assert card.data.pipeline_tag == "depth-estimation" and card.data.eval_results
    assert f'name = "{NAME}"' in card.text and "![Predictions](card/predictions.jpg)" in card.text
    # The token stands nowhere: not in outputs, files, or addresses.
    shown = "".join(capfd.readouterr())
    assert TOKEN not in shown and TOKEN.encode() not in texts_below(folder)
    assert TOKEN.encode() not in b"".join(repository.files.values())
    assert str(labelled_folder).encode() not in b"".join(repository.files.values())


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_a_connection_that_breaks_at_any_request_costs_nothing(
    tmp_path: Path, labelled_folder: Path, make_tiny_model: MakeModel, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    index, requests = 0, 1
    while index < requests:
        with new_hub() as hub:
            use_hub(monkeypatch, hub, tmp_path / "home")
            hub.faults[index] = fault
            folder = tmp_path / f"run-{index}"
            train(folder, labelled_folder, make_tiny_model)
            assert_published(hub, folder)
            requests = max(requests, len(hub.requests) - 1)
        index += 1
    enable_progress_bars()
    assert requests >= 7


@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_leaves_the_run_whole_and_a_repeated_one_completes_the_push(
    hub: HubServer,
    tmp_path: Path,
    labelled_folder: Path,
    make_tiny_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
) -> None:
    folder = tmp_path / "run"
    # Nobody waits ten minutes for a test.
    monkeypatch.setattr(training, "PUSH_SECONDS_AT_THE_END", 0.5)
    hub.storm += [status] * 1000
    train(folder, labelled_folder, make_tiny_model)
    first = load_file(folder / "model.safetensors")
    assert f"hf upload {NAME}" in capsys.readouterr().out
    hub.storm.clear()
    monkeypatch.setattr(training, "PUSH_SECONDS_AT_THE_END", 60.0)
    train(folder, labelled_folder, make_tiny_model, resume_from_checkpoint="latest")
    assert_published(hub, folder)
    second = load_file(folder / "model.safetensors")
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize(
    ("token", "name", "said"),
    [
        (None, NAME, "hf auth login"),
        ("hf_WrongToken", NAME, "token"),
        (READING_TOKEN, NAME, "permission|may not|write"),
        (TOKEN, "someone-else/model", "permission|may not|write|owner"),
    ],
)
def test_whoever_may_not_push_is_told_and_keeps_the_model(
    hub: HubServer,
    tmp_path: Path,
    labelled_folder: Path,
    make_tiny_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str | None,
    name: str,
    said: str,
) -> None:
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
    else:
        monkeypatch.setenv("HF_TOKEN", token)
    train(tmp_path / "run", labelled_folder, make_tiny_model, hub_model_id=name, save_steps=0)
    shown = capsys.readouterr().out
    assert re.search(f"is not on the Hub: .*({said})", shown), shown
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_a_malformed_name_stops_the_run_before_it_begins(
    hub: HubServer, tmp_path: Path, labelled_folder: Path, make_tiny_model: MakeModel
) -> None:
    with pytest.raises(ValueError, match="cannot name a repository on the Hub: expected owner/name"):
        train(tmp_path / "run", labelled_folder, make_tiny_model, hub_model_id="a/b/c")
    with pytest.raises(ValueError, match="hub_strategy is 'sometimes'"):
        train(tmp_path / "run", labelled_folder, make_tiny_model, hub_strategy="sometimes")
    assert not (tmp_path / "run" / "log.jsonl").exists()


@pytest.mark.slow
def test_the_full_circle(hub: HubServer, tmp_path: Path, labelled_folder: Path, make_tiny_model: MakeModel) -> None:
    """Labels -> Hub -> streamed into `distill.py --push_to_hub` -> Hub -> stock pipeline elsewhere: the same depth."""
    environment = {**hub_environment(hub, tmp_path / "home"), "ACCELERATE_USE_CPU": "true"}

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    teacher, labels = tmp_path / "teacher", tmp_path / "labels"
    make_tiny_model().save_pretrained(teacher)
    DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(teacher)
    label = ("-m", "depth_anything_hf.cli", "pseudo-label", labelled_folder / "images", "-m", teacher, "-o", labels)
    push = ("--push-to-hub", "owner/labels", "--private", "--image-license", "cc-by-4.0")
    shown = run(*label, "--device", "cpu", *push)
    assert hub.repositories["dataset", "owner/labels"].private
    recipe = {
        "encoder_config": TINY_ENCODER,
        "input_size": TINY_SIDE_PIXELS,
        "train_data": [{"path": "owner/labels", "streaming": True}],
        "max_steps": 5,
        "per_device_train_batch_size": 2,
        "max_zero_share": 1.0,
        "push_to_hub": True,
        "hub_model_id": NAME,
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    shown += run(EXAMPLES / "distill.py", "--recipe", tmp_path / "recipe.yaml", "--output_dir", tmp_path / "student")
    picture = labelled_folder / "images" / "0.png"
    # Another machine: nothing in its cache, no package.
    environment["HF_HOME"] = str(tmp_path / "elsewhere")
    shown += run("-c", STOCK, picture)
    files = hub.repositories["model", NAME].files
    assert files["model.safetensors"] == (tmp_path / "student" / "model.safetensors").read_bytes()
    ours = DepthPredictor.from_pretrained(str(tmp_path / "student"), device="cpu").predict(picture)
    stock = np.load(tmp_path / "depth.npy")
    # The picture has the model's own size, so nothing is enlarged, which stock does otherwise.
    np.testing.assert_allclose(stock.reshape(ours.shape), ours, atol=1e-5 * max(1.0, float(np.ptp(ours))))
    lineage = json.loads(files["config.json"])["lineage"]
    assert [entry["name"] for entry in lineage["labels"]] == ["owner/labels"] and lineage["teacher"] == "teacher"
    card = ModelCard(files["README.md"].decode())
    assert card.data.datasets == ["owner/labels"] and card.data.to_dict().get("license") is None
    # As it was launched, and with the recipe.
    assert "python distill.py --recipe" in card.text and "max_zero_share: 1.0" in card.text
    assert TOKEN not in shown and TOKEN.encode() not in texts_below(tmp_path / "student") + texts_below(labels)
