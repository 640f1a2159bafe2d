# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about model cards: what the Hub reads from them, what a reader sees, what survives a second writing."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import EvalResult, ModelCard, parse_eval_result_entries
from PIL import Image
from transformers import AutoConfig, Dinov2Config

from depth_anything_hf.hub.licenses import strictest_license
from depth_anything_hf.hub.markdown import merge_own_text
from depth_anything_hf.hub.model_card import snippet, write_model_card
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.dataset_card import _size_category
from depth_anything_hf.pseudo_labels.lineage import labels_lineage
from depth_anything_hf.utils.redaction import is_hub_id, redact_command


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
RESULTS: dict[str, dict[str, Any]] = {
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


@pytest.mark.parametrize(
    ("parts", "name", "words"),
    [
        ([("code", "apache-2.0"), ("teacher", "CC-BY-NC-4.0"), ("images", "mit")], "cc-by-nc-4.0", "strictest of its"),
        ([("code", "apache-2.0"), ("images", "cc-by-sa-4.0")], "cc-by-sa-4.0", "images: cc-by-sa-4.0"),
        ([("code", "apache-2.0"), ("images", None)], None, "images (unknown)"),
        ([("teacher", "cc-by-nc-4.0"), ("images", "my terms")], None, "at least as strict as cc-by-nc-4.0"),
        ([], None, "not recorded"),
    ],
)
def test_the_strictest_licence_of_all_parts(parts: Any, name: str | None, words: str) -> None:
    found = strictest_license(parts)
    assert found.name == name and words in found.reason


def test_the_licence_is_derived_where_every_part_has_one(tmp_path: Path) -> None:
    lineage = {**LINEAGE, "data": [{"name": "owner/photographs", "license": "cc-by-4.0"}]}
    card = write(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["license"] == "cc-by-nc-4.0"
    assert "teacher: cc-by-nc-4.0" in card.text
    # Nobody gave the licenses of these well-known weights.
    lineage = {"encoder": "facebook/dinov2-base", "teacher": "depth-anything/Depth-Anything-V2-Small-hf"}
    write(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["license"] == "apache-2.0"
    card = write(tmp_path, license="mit", lineage=LINEAGE)
    assert metadata(tmp_path)["license"] == "mit"
    assert "although parts of it are under stricter terms (teacher: cc-by-nc-4.0)" in card.text


def test_results_go_to_the_hub_and_back_unchanged(tmp_path: Path) -> None:
    protocol = {"identifier": "nyu@1", "protocol": "nyu@1, cap 10 m"}
    data: Any = write(tmp_path, results={**RESULTS, "NYUv2": {**RESULTS["NYUv2"], **protocol}}).data
    common: dict[str, Any] = {"task_type": "depth-estimation", "source_name": None}
    nyu = EvalResult(
        dataset_type="sayakpaul/nyu_depth_v2",
        dataset_name="NYUv2",
        dataset_split="test",
        dataset_revision="1f2e",
        dataset_args={"protocol": "nyu@1"},
        metric_type="delta1",
        metric_name="delta1",
        metric_value=0.9,
        **common,
    )
    assert [result for result in data.eval_results if result.dataset_name == "NYUv2"] == [nyu]
    again: Any = ModelCard(f"---\n{data.to_yaml()}\n---\n").data
    assert again.eval_results == data.eval_results
    assert [path.name for path in (tmp_path / ".eval_results").iterdir()] == ["nyuv2.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load((tmp_path / ".eval_results" / "nyuv2.yaml").read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("sayakpaul/nyu_depth_v2", "nyu@1/delta1", 0.9)
    assert (entry.dataset_revision, entry.notes) == ("1f2e", "nyu@1, cap 10 m")


def test_no_path_and_no_token_of_this_machine_is_published(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_TOKEN", "a token of another form")
    save_tiny_model(tmp_path / "model")
    (tmp_path / "student.yaml").write_text(f"output_dir: {tmp_path}/runs/student\nteacher: owner/teacher\n")
    command = f"train --output_dir={tmp_path}/runs/student --data '{tmp_path}/my photos' -k hf_abcdefghij"
    card = write(
        tmp_path / "model",
        lineage={**LINEAGE, "labels": [str(tmp_path / "labels"), "a token of another form"]},
        training={"output_dir": str(tmp_path / "runs" / "student"), "rates": {"encoder": 1e-4}},
        command=command,
        recipe=tmp_path / "student.yaml",
    )
    texts = [path for path in (tmp_path / "model").rglob("*") if path.suffix in (".md", ".json", ".yaml")]
    files = "".join(path.read_text(encoding="utf-8") for path in texts)
    for secret in (str(tmp_path), "a token of another form", "hf_abcdefghij"):
        assert secret not in files
    for fact in ("--output_dir=student", "'my photos'", "Recipe `student.yaml`", "teacher: owner/teacher", "hf_***"):
        assert fact in card.text
    assert "| output_dir | student |" in card.text and "{'encoder': 0.0001}" in card.text


def test_a_command_is_still_readable_without_its_paths() -> None:
    for given, expected in (
        ("train --model owner/name --url https://hub/a/b", "train --model owner/name --url https://hub/a/b"),
        ("python /home/me/train.py ~/data ../x/y", "python train.py data y"),
        ("it's /home/me/broken", "it's broken"),
    ):
        assert redact_command(given) == expected


def test_the_lineage_is_in_the_configuration_and_keeps_its_ancestors(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "teacher")
    write(tmp_path / "teacher", lineage={"encoder": "facebook/dinov2-small"}, role="teacher")
    model = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "teacher")
    start = {"initial_weights": str(tmp_path / "teacher"), "data": [{"name": "owner/photographs", "license": "mit"}]}
    for _ in range(2):
        model.save_pretrained(tmp_path / "student")
        for _ in range(2):
            write(tmp_path / "student", lineage=start)
    lineage = AutoConfig.from_pretrained(tmp_path / "student").lineage
    assert lineage == {
        "initial_weights": "teacher",
        "data": [{"name": "owner/photographs", "license": "mit"}],
        "parent": {"encoder": "facebook/dinov2-small", "encoder_license": "apache-2.0"},
    }


def test_pictures_and_preprocessing_are_shown(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "model")
    picture = tmp_path / "curve.png"
    Image.new("RGB", (4, 4)).save(picture)
    for _ in range(2):
        card = write(tmp_path / "model", loss_curve=picture, picture_sheet=picture, repo_id="owner/student")
    for fact in (
        "card/loss-over-the-steps.png",
        "card/predictions.png",
        'name = "owner/student"',
        "bicubic resampling",
    ):
        assert fact in card.text
    assert (tmp_path / "model" / "card" / "predictions.png").read_bytes() == picture.read_bytes()
    with pytest.raises(FileNotFoundError, match="absent.png"):
        write(tmp_path / "model", loss_curve=tmp_path / "absent.png")


def test_broken_metadata_of_an_older_card_does_no_harm(tmp_path: Path) -> None:
    broken = b"---\nlicense: [mit\n: {\n---\n\nBefore.\n\n<!-- keep -->\nMine.\n<!-- /keep -->\n\xff"
    (tmp_path / "README.md").write_bytes(broken)
    card = write(tmp_path)
    assert card.text.count("Mine.") == 1 and "Before." not in card.text


def test_own_text_of_two_cards_is_joined_once() -> None:
    here, there = (f"# Card\n\n<!-- keep -->\n{text}\n<!-- /keep -->\n" for text in ("Here.", "There."))
    joined = merge_own_text(here, there)
    assert joined.count("Here.") == joined.count("There.") == joined.count("<!-- keep -->") == 1
    assert merge_own_text(here, joined) == joined and merge_own_text(joined, there) == joined
    assert merge_own_text(here, "---\nlicense: mit\n---\n") == here


def stored_labels(folder: Path, teacher: str | None, card_license: str | None = None) -> Path:
    """A folder of pseudo-labels, as far as a student's card looks at it."""
    folder.mkdir()
    if teacher:
        provenance = {
            "teacher": teacher,
            "revision": "abc",
            "data": "owner/photographs",
            "weights_sha256": {"w": "12"},
        }
        (folder / "provenance.json").write_text(json.dumps(provenance))
    if card_license:
        (folder / "README.md").write_text(f"---\nlicense: {card_license}\n---\n\n# Labels\n")
    return folder


def test_a_student_of_stored_labels_names_their_teacher_and_inherits_its_licence(tmp_path: Path) -> None:
    large, small = (f"depth-anything/Depth-Anything-V2-{size}-hf" for size in ("Large", "Small"))
    start = {"encoder": "facebook/dinov2-small"}
    labels = stored_labels(tmp_path / "labels", large)
    lineage = labels_lineage([str(labels)])
    assert (lineage["teacher"], lineage["teacher_revision"]) == (large, "abc")
    assert lineage["labels"][0]["teacher_weights_sha256"] == "w 12"
    card = write(tmp_path / "student", license=None, lineage={**start, **lineage})
    # The photographs' licence is not known.
    assert "license" not in metadata(tmp_path / "student")
    assert "It depends on labels labels (unknown)" in card.text and "at least as strict as cc-by-nc-4.0" in card.text
    assert str(tmp_path) not in card.content
    known = stored_labels(tmp_path / "known", large, "cc-by-nc-4.0")
    write(tmp_path / "student", license=None, lineage={**start, **labels_lineage([str(known)])})
    assert metadata(tmp_path / "student")["license"] == "cc-by-nc-4.0"
    free = stored_labels(tmp_path / "free", small, "cc-by-4.0")
    both = labels_lineage([str(known), str(free)])
    assert both["teacher"] == [large, small] and both["teacher_revision"] == ["abc", "abc"]
    write(tmp_path / "student", license=None, lineage={**start, **both})
    assert metadata(tmp_path / "student")["license"] == "cc-by-nc-4.0"
    assert metadata(tmp_path / "student")["base_model"] == ["facebook/dinov2-small", large, small]


def test_labels_of_an_unknown_teacher_leave_the_licence_unknown(tmp_path: Path) -> None:
    labels = stored_labels(tmp_path / "labels", None, "cc0-1.0")
    lineage = {"encoder": "facebook/dinov2-small", **labels_lineage([str(labels)])}
    assert "teacher" not in lineage
    card = write(tmp_path / "student", license=None, lineage=lineage)
    assert "license" not in metadata(tmp_path / "student") and "teacher unknown" in card.text
    write(tmp_path / "student", license=None, lineage={"encoder": "facebook/dinov2-small", "labels": "by somebody"})
    assert "license" not in metadata(tmp_path / "student")


def test_labels_on_the_hub_are_a_data_set_of_the_card(tmp_path: Path) -> None:
    # Without the Hub nothing is known about them, and that stops nothing.
    lineage = labels_lineage(["owner/labels"])
    write(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["datasets"] == ["owner/labels"] and "license" not in metadata(tmp_path)


@pytest.mark.parametrize(
    ("rows", "category"), [(999, "n<1K"), (62_000_000, "10M<n<100M"), (10**9, "1B<n<10B"), (10**12, "n>1T")]
)
def test_sizes_of_data_sets_as_the_hub_names_them(rows: int, category: str) -> None:
    assert _size_category(rows) == category


def test_a_comment_before_the_command_stays(tmp_path: Path) -> None:
    assert redact_command(f"# 8 processes\npython {tmp_path}/a.py") == "# 8 processes\npython a.py"
