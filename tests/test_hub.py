# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about model cards: what the Hub reads from them, what a reader sees, what survives a second writing."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from PIL import Image
from transformers import Dinov2Config

from depth_anything_hf.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.hub import is_hub_id, snippet, write_model_card
from depth_anything_hf.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.modeling_depth_anything import DepthAnythingForDepthEstimation


LINEAGE = {
    "encoder": "facebook/dinov2-small",
    "encoder_license": "apache-2.0",
    "teacher": "depth-anything/Depth-Anything-V2-Large-hf",
    "teacher_license": "cc-by-nc-4.0",
    "teacher_revision": "abc123",
    "labels": "16-bit disparity of the teacher",
    "data": [
        {"name": "owner/photographs", "license": "cc-by-4.0", "note": "3000 images | no faces"},
        "rendered rooms",
    ],
}
RESULTS = {
    "Held-out rooms": {
        "metrics": {"delta1": 0.94321, "abs_rel": 0.0712, "ordinal_accuracy": math.nan},
        "images": 200,
        "protocol": "aligned in disparity, cap 80 m",
    },
    "NYUv2": {"metrics": {"delta1": 0.9}, "dataset": "sayakpaul/nyu_depth_v2", "split": "test", "revision": "1f2e"},
}


def write(folder: Path, **changes: Any) -> ModelCard:
    options: dict[str, Any] = {
        "title": "Tiny student",
        "kind": "relative",
        "role": "student",
        "lineage": LINEAGE,
        "training": {"learning_rate": 5e-6, "max_steps": 1000},
        "results": RESULTS,
        "license": "cc-by-nc-4.0",
        "command": "depth-anything-hf train --config student.yaml",
    }
    return ModelCard.load(write_model_card(folder, **{**options, **changes}))


def metadata(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def save_tiny_model(folder: Path, **options: Any) -> None:
    encoder = Dinov2Config(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, image_size=28, patch_size=14)
    config = DepthAnythingConfig.from_encoder_config(encoder, neck_hidden_sizes=[8, 8, 8, 8], **options)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(28).save_pretrained(folder)


def test_the_hub_reads_every_field(tmp_path: Path) -> None:
    data: Any = write(tmp_path).data
    assert data.library_name == "transformers" and data.pipeline_tag == "depth-estimation"
    assert {"depth", "relative depth", "student"} <= set(data.tags)
    assert data.base_model == ["facebook/dinov2-small", "depth-anything/Depth-Anything-V2-Large-hf"]
    assert data.base_model_relation == "finetune"
    assert data.datasets == ["owner/photographs"]
    assert data.license == "cc-by-nc-4.0"
    assert data.metrics == ["abs_rel", "delta1"]
    found = {
        (r.dataset_name, r.dataset_type, r.dataset_split, r.metric_type): r.metric_value for r in data.eval_results
    }
    assert found == {
        ("Held-out rooms", "held-out-rooms", None, "delta1"): 0.94321,
        ("Held-out rooms", "held-out-rooms", None, "abs_rel"): 0.0712,
        ("NYUv2", "sayakpaul/nyu_depth_v2", "test", "delta1"): 0.9,
    }
    assert metadata(tmp_path)["model-index"][0]["name"] == "Tiny student"


def test_a_reader_finds_output_lineage_licences_training_results_and_citations(tmp_path: Path) -> None:
    text = write(tmp_path).text
    for fact in (
        "larger is nearer",
        "multiples of 14",
        "| teacher | `depth-anything/Depth-Anything-V2-Large-hf` | cc-by-nc-4.0 | abc123 |",
        "| data | `owner/photographs` 3000 images \\| no faces | cc-by-4.0 |  |",
        "| data | rendered rooms | unknown |  |",
        "| learning_rate | 5e-06 |",
        "depth-anything-hf train --config student.yaml",
        "| Evaluation set | Images | delta1 ↑ | abs_rel ↓ | ordinal_accuracy ↑ |",
        "| Held-out rooms | 200 | 0.9432 | 0.0712 | - |",
        "| NYUv2 |  | 0.9000 | - | - |",
        "aligned in disparity, cap 80 m",
        "| transformers |",
        "Depth Anything V2",
        "{DINOv2}",
        "Vision Transformers for Dense Prediction",
    ):
        assert fact in text


@pytest.mark.parametrize("license", [None, "unknown"])
def test_an_unknown_licence_is_said_and_not_claimed(tmp_path: Path, license: str | None) -> None:
    card = write(tmp_path, license=license)
    assert "License of this model: unknown" in card.text
    assert "license" not in metadata(tmp_path)


def test_a_licence_the_hub_does_not_list_gets_a_name(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Do no harm.")
    data: Any = write(tmp_path, license="My Research License 1.0").data
    assert (data.license, data.license_name, data.license_link) == ("other", "my-research-license-1.0", "LICENSE")


def test_a_card_without_results_or_origins_still_loads(tmp_path: Path) -> None:
    card = write(tmp_path, lineage={}, training={}, results=None, license=None, command=None)
    assert set(metadata(tmp_path)) == {"library_name", "pipeline_tag", "tags"}
    assert "No evaluation is recorded." in card.text and "not recorded" in card.text


def test_local_folders_are_no_base_models_and_show_only_their_name(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "teacher").mkdir(parents=True)
    lineage = {"encoder": str(tmp_path / "encoders" / "small"), "teacher": "runs/teacher"}
    card = write(tmp_path / "student", lineage=lineage)
    assert "base_model" not in metadata(tmp_path / "student")
    assert "`small` (local)" in card.text and "`teacher` (local)" in card.text and str(tmp_path) not in card.text


def test_hub_ids() -> None:
    assert is_hub_id("facebook/dinov2-small")
    for other in ("dinov2", "/models/dinov2", "./models", "a/b/c", "rendered rooms/hazy", None, Path("a/b")):
        assert not is_hub_id(other)


def test_own_text_survives(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "README.md"
    path.write_text(path.read_text(encoding="utf-8").replace("<!-- /keep", "Ask me about |fog|.\n<!-- /keep"), "utf-8")
    for title in ("Second title", "Third title"):
        card = write(tmp_path, title=title)
        assert card.text.count("Ask me about |fog|.") == 1 and f"# {title}" in card.text
    assert card.text.count("<!-- keep -->") == 1 and "Second title" not in card.text


def test_a_card_written_by_hand_is_kept_whole(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n\nMy own words.\n")
    for _ in range(2):
        card = write(tmp_path)
        assert card.text.count("My own words.") == 1 and metadata(tmp_path)["license"] == "cc-by-nc-4.0"


def test_cap_and_input_size_come_from_the_folder_and_a_wrong_kind_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, depth_estimation_type="metric", max_depth=20)
    text = write(tmp_path, kind="metric", role="metric").text
    assert "at most 20 m" in text and "about 28 pixels" in text
    with pytest.raises(ValueError, match="metric model.*relative one"):
        write(tmp_path)
    with pytest.raises(ValueError, match="'sparse'"):
        write(tmp_path, kind="sparse")


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_the_snippet_on_the_card_runs(tmp_path: Path, monkeypatch: Any, kind: Any) -> None:
    save_tiny_model(tmp_path, depth_estimation_type=kind)
    card = write(tmp_path, kind=kind)
    code = re.findall(r"```python\n(.*?)```", card.text, flags=re.DOTALL)[0]
    assert code.strip() == snippet(kind).strip()
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 45, 3), np.uint8)).save("photograph.jpg")
    names: dict[str, Any] = {}
    exec(compile(snippet(kind, str(tmp_path)), "card", "exec"), names)  # noqa: S102
    prediction = names["disparity" if kind == "relative" else "depth"]
    assert isinstance(prediction, torch.Tensor) and tuple(prediction.shape) == (30, 45)
