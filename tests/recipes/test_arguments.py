# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The data that arguments describe: sources, weights, augmentation and evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import datasets
import numpy as np
import pytest
import yaml

from depth_anything_hf.evaluation.protocols import identify
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.models.image_processing_depth_anything import PAPER_INPUT_SIZE
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.training.arguments import TrainingArguments


SCRATCH: dict[str, Any] = {
    "encoder_config": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
    "decoder_config": {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8},
    "input_size": 56,
}


@pytest.mark.parametrize(
    "given", [{}, {"encoder_name_or_path": "a", "model_name_or_path": "b"}, {**SCRATCH, "model_name_or_path": "b"}]
)
def test_exactly_one_start(given):
    with pytest.raises(ValueError, match="give exactly one of encoder_name_or_path"):
        ModelArguments(**given)


def data_of(folder: Path, **options: Any) -> DataArguments:
    return DataArguments(**{"train_data": [str(folder)], **options})


def test_one_source_may_stand_without_a_list(labelled_folder):
    assert DataArguments(train_data=str(labelled_folder)).train_data == [str(labelled_folder)]  # type: ignore[arg-type]
    one = DataArguments(train_data={"path": str(labelled_folder), "limit": 3})  # type: ignore[arg-type]
    assert one.source_names == [str(labelled_folder)]
    assert len(one.mixture(ModelArguments(**SCRATCH), seed=0)) == 3


def test_sources_of_a_recipe_may_be_mappings(tmp_path, labelled_folder):
    sources = [str(labelled_folder), {"path": str(labelled_folder), "limit": 3, "label": "depth"}]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**SCRATCH, "train_data": sources, "output_dir": "out", "horizontal_flip": 0.0}))
    types = (ModelArguments, DataArguments, RelativeLoss, TrainingArguments)
    model, data, *_ = parse_recipe(*types, description="A test.", argv=["--recipe", str(path)])
    assert data.source_names == [str(labelled_folder)] * 2
    mixture = data.mixture(model, seed=1)
    assert len(mixture) == 8 + 3
    sample = mixture[(0, 0)]
    assert sample["pixel_values"].shape == (3, 56, 56) and sample["labels"].shape == (56, 56)


def test_a_wrong_key_of_a_source_names_the_nearest(labelled_folder):
    data = data_of(labelled_folder, train_data=[{"path": str(labelled_folder), "scal": 3}])
    with pytest.raises(ValueError, match="unknown key 'scal' in a data source; did you mean 'scale'"):
        data.mixture(ModelArguments(**SCRATCH), seed=0)


def test_weights_decide_the_shares(labelled_folder):
    sources = [{"path": str(labelled_folder), "weight": weight} for weight in (3.0, 1.0)]
    mixture = data_of(labelled_folder, train_data=sources).mixture(ModelArguments(**SCRATCH), seed=0)
    shares = [mixture.locate(0, position)[0] for position in range(len(mixture))]
    assert (shares.count(0), shares.count(1)) == (12, 4)


def test_weights_for_some_sources_only_are_an_error(labelled_folder):
    sources = [{"path": str(labelled_folder), "weight": 2.0}, str(labelled_folder)]
    with pytest.raises(ValueError, match=r"give every source a weight or none; the weights are \[2.0, None\]"):
        data_of(labelled_folder, train_data=sources).mixture(ModelArguments(**SCRATCH), seed=0)


def test_augmentation_and_target_reach_the_transform(labelled_folder):
    data = data_of(labelled_folder, horizontal_flip=0.25, hue=0.1, haze=True, vertical_flip=0.75)
    mixture = data.mixture(ModelArguments(**SCRATCH), seed=0, target="depth", max_depth=5.0, keep_clean=True)
    (transform,) = mixture.transforms
    assert (transform.horizontal_flip, transform.vertical_flip, transform.hue) == (0.25, 0.75, 0.1)
    assert transform.haze and transform.keep_clean and transform.target == "depth" and transform.max_depth == 5.0
    assert transform.crop_size == (56, 56)


@pytest.mark.parametrize("near_clip", ["2%", 0.1])
def test_near_clip_reaches_the_transform_of_relative_labels_only(labelled_folder, near_clip):
    data = data_of(labelled_folder, near_clip=near_clip)
    (transform,) = data.mixture(ModelArguments(**SCRATCH), seed=0).transforms
    assert transform.near_clip == near_clip
    with pytest.raises(ValueError, match=f"near_clip is {near_clip}, but target is 'depth', which has min_depth"):
        data.mixture(ModelArguments(**SCRATCH), seed=0, target="depth", max_depth=5.0)


def test_evaluation_data(labelled_folder):
    assert data_of(labelled_folder).evaluation() is None
    source = {"path": str(labelled_folder), "limit": 2}
    data = data_of(labelled_folder, eval_data=source, eval_max_depth=7.0, eval_min_depth=0.1)
    relative = data.evaluation()
    assert relative is not None and len(relative.dataset) == 2
    assert (relative.settings.min_depth, relative.settings.max_depth) == (0.1, 7.0)
    assert relative.settings.alignment == "disparity"
    metric = data.evaluation(metric=True)
    assert metric is not None and metric.settings.alignment == "none"


def test_a_metric_model_is_scored_over_its_own_range(labelled_folder):
    data = data_of(labelled_folder, eval_data=str(labelled_folder))
    for depth_range in ((1e-3, 200.0), (0.5, 5.0)):
        own = data.evaluation(metric=True, depth_range=depth_range)
        assert (own.settings.min_depth, own.settings.max_depth) == depth_range
    relative = data.evaluation()
    assert (relative.settings.min_depth, relative.settings.max_depth) == (1e-3, 80.0)


def test_an_explicit_range_wins_and_is_warned_of_where_the_model_ends_before(labelled_folder, caplog):
    explicit = {"eval_data": str(labelled_folder), "eval_min_depth": 0.1}
    data = data_of(labelled_folder, **explicit, eval_max_depth=80.0)
    settings = data.evaluation(metric=True, depth_range=(0.01, 20.0)).settings
    assert (settings.min_depth, settings.max_depth) == (0.1, 80.0)
    assert "scores labels up to 80 m, but the output of the model ends at 20 m" in caplog.text
    caplog.clear()
    data_of(labelled_folder, **explicit, eval_max_depth=7.0).evaluation(metric=True, depth_range=(0.01, 20.0))
    assert caplog.text == ""


def test_evaluation_by_a_protocol(labelled_folder, tmp_path, caplog):
    scene = tmp_path / "test" / "office"
    scene.mkdir(parents=True)
    cv2.imwrite(str(scene / "rgb_00001.jpg"), np.zeros((480, 640, 3), dtype=np.uint8))
    cv2.imwrite(str(scene / "sync_depth_00001.png"), np.full((480, 640), 2000, dtype=np.uint16))
    evaluation = data_of(labelled_folder, eval_protocol="nyu", eval_root=str(tmp_path)).evaluation()
    assert evaluation is not None and len(evaluation.dataset) == 1
    assert identify(evaluation.settings) == "nyu@1" and evaluation.settings.crop == "eigen-nyu"
    in_metres = data_of(labelled_folder, eval_protocol="nyu-metric", eval_root=str(tmp_path))
    assert in_metres.evaluation(metric=True, depth_range=(1e-3, 10.0)) is not None
    assert "ends at" not in caplog.text
    close = in_metres.evaluation(metric=True, depth_range=(1e-3, 2.5))
    assert identify(close.settings) == "nyu-metric@1"
    assert "nyu-metric@1 scores labels up to 10 m, but the output of the model ends at 2.5 m" in caplog.text
    with pytest.raises(ValueError, match="alignment='none'"):
        in_metres.evaluation()
    with pytest.raises(ValueError, match="eval_root together"):
        data_of(labelled_folder, eval_protocol="nyu").evaluation()
    with pytest.raises(ValueError, match="without eval_data"):
        data_of(labelled_folder, eval_protocol="nyu", eval_root=".", eval_data="x").evaluation()


def test_the_input_size_is_that_of_the_processor():
    assert ModelArguments(encoder_name_or_path="e").input_size == PAPER_INPUT_SIZE


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for index in range(2):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((64, 64, 3), 50 * index, dtype=np.uint8))
    return folder


def with_labels(folder: Path, depth: np.ndarray) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "depth").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), np.zeros((*depth.shape, 3), dtype=np.uint8))
    np.save(folder / "depth" / "a.npy", depth.astype(np.float32))
    return folder


def test_images_without_labels_need_a_teacher(photographs, labelled_folder):
    model = ModelArguments(**SCRATCH)
    data = data_of(labelled_folder, train_data=[str(labelled_folder), str(photographs)])
    with pytest.raises(ValueError, match=r"photographs: images without labels, expected depth or disparity"):
        data.mixture(model, seed=0)
    assert len(data_of(photographs).mixture(model, seed=0, keep_clean=True)) == 2


def test_held_out_data_that_cannot_be_scored_stops_a_run_before_its_start(photographs, labelled_folder, tmp_path):
    with pytest.raises(ValueError, match=r"eval_data .*photographs: .*expected one of 'depth' and 'disparity'"):
        data_of(labelled_folder, eval_data=str(photographs)).evaluation()
    empty = with_labels(tmp_path / "empty", np.full((64, 64), np.nan))
    with pytest.raises(ValueError, match=r"none of its first 1 image can be scored; .* invalid everywhere"):
        data_of(labelled_folder, eval_data=str(empty)).evaluation()
    far = with_labels(tmp_path / "far", np.full((64, 64), 5000.0))
    with pytest.raises(ValueError, match="0 valid label pixels"):
        data_of(labelled_folder, eval_data=str(far)).evaluation()
    (far / "depth").rename(far / "disparity")
    assert data_of(labelled_folder, eval_data=str(far)).evaluation() is not None
    with pytest.raises(ValueError, match="a disparity label has no metres"):
        data_of(labelled_folder, eval_data=str(far)).evaluation(metric=True)


def test_held_out_data_cannot_stream(labelled_folder, tmp_path):
    table = datasets.Dataset.from_dict({"image": ["a.png"], "depth": ["a.npy"]})
    table.to_parquet(tmp_path / "table.parquet")
    source = {"path": str(tmp_path / "table.parquet"), "streaming": True}
    with pytest.raises(ValueError, match="cannot stream; set streaming: false"):
        data_of(labelled_folder, eval_data=source).evaluation()


def test_the_record_of_the_data_is_the_same_however_its_path_is_written(labelled_folder, monkeypatch):
    (found,) = data_of(labelled_folder).record
    assert found["path"] == str(labelled_folder) and found["scale"] is None and found["split"] == "train"
    monkeypatch.chdir(labelled_folder.parent)
    assert DataArguments([labelled_folder.name]).record == [found]
    monkeypatch.setenv("HOME", str(labelled_folder.parent))
    monkeypatch.setenv("USERPROFILE", str(labelled_folder.parent))
    assert DataArguments([f"~/{labelled_folder.name}"]).record == [found]
    assert DataArguments([{"path": labelled_folder.name, "weight": 2.0}]).record != [found]  # type: ignore[list-item]
    assert DataArguments(["owner/rooms"]).record[0]["path"] == "owner/rooms"


def test_the_record_has_an_encoding_where_there_is_one(labelled_folder):
    """Runs of earlier versions, whose records have none, can be resumed."""
    assert "encoding" not in data_of(labelled_folder).record[0]
    encoded = DataArguments([{"path": str(labelled_folder), "encoding": "mm"}])  # type: ignore[list-item]
    assert encoded.record[0]["encoding"] == "mm"


def test_rehearsal_is_mixed_in_at_its_share_and_recorded(labelled_folder, tmp_path):
    old = with_labels(tmp_path / "old", 1 / np.linspace(1.0, 0.1, 64 * 64).reshape(64, 64))
    data = data_of(labelled_folder, rehearsal=str(old), rehearsal_share=0.2)
    mixture = data.mixture(ModelArguments(**SCRATCH), seed=0)
    new = len(data_of(labelled_folder).mixture(ModelArguments(**SCRATCH), seed=0))
    assert new == 8 and len(mixture) == 10 and mixture.names == [str(labelled_folder), str(old)]
    assert sum(mixture.locate(0, position)[0] == 1 for position in range(10)) == 2
    assert [each.get("rehearsal_share") for each in data.record] == [None, 0.2]
    assert data.source_names == [str(labelled_folder), str(old)]
    weighted = data_of(
        labelled_folder, train_data=[{"path": str(labelled_folder), "weight": 3.0}], rehearsal={"path": str(old)}
    )
    assert len(weighted.mixture(ModelArguments(**SCRATCH), seed=0)) == 9


def test_rehearsal_of_another_label_or_with_a_weight_is_refused_by_name(labelled_folder, photographs, tmp_path):
    model, old = ModelArguments(**SCRATCH), with_labels(tmp_path / "old", np.linspace(1, 9, 4096).reshape(64, 64))
    with pytest.raises(ValueError, match=r"rehearsal .*old: its weight is 2, but rehearsal_share says"):
        data_of(labelled_folder, rehearsal={"path": str(old), "weight": 2.0}).mixture(model, seed=0)
    (old / "depth").rename(old / "disparity")
    with pytest.raises(ValueError, match=r"rehearsal .*old: its labels are disparity, those of the .* are depth"):
        data_of(labelled_folder, rehearsal=str(old)).mixture(model, seed=0)
    with pytest.raises(ValueError, match=r"photographs: images without labels"):
        data_of(labelled_folder, rehearsal=str(photographs)).mixture(model, seed=0)
    for share in (0.0, 1.0, -2.0):
        with pytest.raises(ValueError, match=f"rehearsal_share is {share}, expected more than 0 and less than 1"):
            data_of(labelled_folder, rehearsal_share=share)


def test_forgetting_data_is_opened_as_held_out_data_is(labelled_folder, photographs):
    assert data_of(labelled_folder).forgetting() is None
    old = data_of(labelled_folder, forgetting_data=str(labelled_folder), eval_max_depth=30).forgetting(metric=True)
    assert len(old.dataset) == 8 and old.settings.alignment == "none" and old.settings.max_depth == 30
    with pytest.raises(ValueError, match=r"forgetting_data .*photographs: .*expected one of 'depth' and 'disparity'"):
        data_of(labelled_folder, forgetting_data=str(photographs)).forgetting()
    with pytest.raises(ValueError, match="give forgetting_protocol and forgetting_root together and without"):
        data_of(labelled_folder, forgetting_protocol="nyu").forgetting()


@pytest.mark.parametrize("name", ["train_data", "rehearsal", "eval_data", "forgetting_data"])
@pytest.mark.parametrize("value", [True, 3, 1.5, ["a", None], b"a", object()])
def test_what_is_no_source_is_refused_by_name(labelled_folder: Path, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} takes a folder, a Hub id or a mapping"):
        data_of(labelled_folder, **{name: value})
