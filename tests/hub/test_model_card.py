# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about model cards: what the Hub reads from them, what a reader sees, what survives a second writing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from cards import LINEAGE, RESULTS, metadata, save_tiny_model, write_card
from huggingface_hub import EvalResult, ModelCard, parse_eval_result_entries
from PIL import Image
from versions import needs_auto_image_processor

from depth_anything_hf.hub.model_card import snippet


def test_the_hub_reads_every_field(tmp_path: Path) -> None:
    data: Any = write_card(tmp_path).data
    assert data.library_name == "transformers" and data.pipeline_tag == "depth-estimation"
    assert {"depth", "relative depth", "student"} <= set(data.tags)
    assert data.base_model == "facebook/dinov2-small" and data.base_model_relation == "finetune"
    # Of whose weights the model has none.
    assert data.teacher == "depth-anything/Depth-Anything-V2-Large-hf"
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


def test_a_reader_finds_output_lineage_licenses_training_results_and_citations(tmp_path: Path) -> None:
    text = write_card(tmp_path).text
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


def test_a_card_without_results_or_origins_still_loads(tmp_path: Path) -> None:
    card = write_card(tmp_path, lineage={}, training={}, results=None, license=None, command=None)
    assert set(metadata(tmp_path)) == {"library_name", "pipeline_tag", "tags"}
    assert "No evaluation is recorded." in card.text and "not recorded" in card.text


def test_own_text_survives(tmp_path: Path) -> None:
    write_card(tmp_path)
    path = tmp_path / "README.md"
    path.write_text(path.read_text(encoding="utf-8").replace("<!-- /keep", "Ask me about |fog|.\n<!-- /keep"), "utf-8")
    for title in ("Second title", "Third title"):
        card = write_card(tmp_path, title=title)
        assert card.text.count("Ask me about |fog|.") == 1 and f"# {title}" in card.text
    assert card.text.count("<!-- keep -->") == 1 and "Second title" not in card.text


def test_a_card_written_by_hand_is_kept_whole(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n\nMy own words.\n")
    for _ in range(2):
        card = write_card(tmp_path)
        assert card.text.count("My own words.") == 1 and metadata(tmp_path)["license"] == "cc-by-nc-4.0"


def test_cap_and_input_size_come_from_the_folder_and_a_wrong_kind_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, depth_estimation_type="metric", max_depth=20)
    text = write_card(tmp_path, kind="metric", role="metric").text
    assert "at most 20 m" in text and "about 28 pixels" in text
    with pytest.raises(ValueError, match=r"metric model.*relative one"):
        write_card(tmp_path)
    with pytest.raises(ValueError, match="'sparse'"):
        write_card(tmp_path, kind="sparse")


def test_the_card_of_a_model_in_millimetres_says_so_and_what_stock_gives(tmp_path: Path) -> None:
    save_tiny_model(tmp_path, depth_estimation_type="metric", max_depth=350, depth_unit="mm")
    text = write_card(tmp_path, kind="metric", role="metric").text
    assert "depth in millimetres along the optical axis, at most 350 mm (0.35 m)." in text
    assert "`pipeline` give millimetres (divide by 1000 for metres)" in text
    assert "# (H, W) millimetres, larger = farther; divided by 1000: metres" in text


@needs_auto_image_processor
@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_the_snippet_on_the_card_runs(tmp_path: Path, monkeypatch: Any, kind: Any) -> None:
    save_tiny_model(tmp_path, depth_estimation_type=kind)
    card = write_card(tmp_path, kind=kind)
    code = re.findall(r"```python\n(.*?)```", card.text, flags=re.DOTALL)[0]
    assert code.strip() == snippet(kind).strip()
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 45, 3), np.uint8)).save("photograph.jpg")
    names: dict[str, Any] = {}
    exec(compile(snippet(kind, str(tmp_path)), "card", "exec"), names)
    prediction = names["disparity" if kind == "relative" else "depth"]
    assert isinstance(prediction, torch.Tensor) and tuple(prediction.shape) == (30, 45)


@needs_auto_image_processor
def test_both_ways_of_the_snippet_turn_a_photograph_upright(tmp_path: Path, monkeypatch: Any) -> None:
    save_tiny_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    lying = Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 45, 3), np.uint8))
    tags = Image.Exif()
    tags[0x0112] = 6
    lying.save("photograph.jpg", exif=tags)
    first, second = snippet("relative", str(tmp_path)).split("# The same in one call:\n")
    names: dict[str, Any] = {}
    exec(compile(first, "card", "exec"), names)
    by_parts = names["disparity"]
    exec(compile(second, "card", "exec"), names)
    assert tuple(by_parts.shape) == (45, 30)
    torch.testing.assert_close(names["disparity"].reshape(by_parts.shape), by_parts)


def test_nested_arguments_are_words_and_no_python(tmp_path: Path) -> None:
    training = {
        "learning_rates": {"encoder": 5e-6, "decoder": 5e-5},
        "out_indices": [3, 6],
        "sources": [{"a": 1}, {"b": 2}],
    }
    text = write_card(tmp_path, training=training).text
    for row in (
        "| learning_rates | encoder: 5e-06, decoder: 5e-05 |",
        "| out_indices | 3, 6 |",
        "| sources | a: 1; b: 2 |",
    ):
        assert row in text


def test_results_go_to_the_hub_and_back_unchanged(tmp_path: Path) -> None:
    protocol = {"identifier": "nyu@1", "protocol": "nyu@1, cap 10 m"}
    data: Any = write_card(tmp_path, results={**RESULTS, "NYUv2": {**RESULTS["NYUv2"], **protocol}}).data
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
    card = write_card(
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
    assert "| output_dir | student |" in card.text and "encoder: 0.0001" in card.text


def test_pictures_and_preprocessing_are_shown(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "model")
    picture = tmp_path / "curve.png"
    Image.new("RGB", (4, 4)).save(picture)
    for _ in range(2):
        card = write_card(tmp_path / "model", loss_curve=picture, picture_sheet=picture, repo_id="owner/student")
    for fact in (
        "card/loss-over-the-steps.png",
        "card/predictions.png",
        'name = "owner/student"',
        "bicubic resampling",
    ):
        assert fact in card.text
    assert (tmp_path / "model" / "card" / "predictions.png").read_bytes() == picture.read_bytes()
    with pytest.raises(FileNotFoundError, match=r"absent.png"):
        write_card(tmp_path / "model", loss_curve=tmp_path / "absent.png")


def test_broken_metadata_of_an_older_card_does_no_harm(tmp_path: Path) -> None:
    broken = b"---\nlicense: [mit\n: {\n---\n\nBefore.\n\n<!-- keep -->\nMine.\n<!-- /keep -->\n\xff"
    (tmp_path / "README.md").write_bytes(broken)
    card = write_card(tmp_path)
    assert card.text.count("Mine.") == 1 and "Before." not in card.text


def test_names_of_any_kind_and_places_leave_the_card_whole(tmp_path: Path) -> None:
    results = {f"/{place}/val <b>|": {"metrics": {"delta1": 0.5}, "protocol": "a | b"} for place in ("x", "y")}
    recipe = "train_data:\n  - path: /home/somebody/my data/set one\n# ```\n"
    lineage = {"encoder": "random weights", "data": ["/home/somebody/a`b|c\n<i>", "../../x/caf\udce9"]}
    card = write_card(
        tmp_path,
        title="A <b>title</b>\nof /home/somebody/runs/x",
        results=results,
        recipe=recipe,
        lineage=lineage,
        training={"note": "see '/mnt/my data/x y'", "by": Path("/home/somebody")},
    )
    assert "somebody" not in card.text and "my data" not in card.text and "../" not in card.text
    assert "# A &lt;b>title&lt;/b> of x" in card.text and "  - path: set one\n" in card.text
    assert "| val &lt;b>\\| |" in card.text and "| val &lt;b>\\| (2) |" in card.text
    assert "``a`b\\|c <i>`` (local)" in card.text and "`caf\\xe9` (local)" in card.text
    assert "````yaml" in card.text and "| by | ~ |" in card.text
    rows = [line for line in card.text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
