# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Objective and data as plain values: what tells runs apart is there, what is another one at every start is not."""

from __future__ import annotations

import json
from functools import partial, wraps
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from sample_files import png_bytes
from torch import nn
from training_runs import ANCHORED

from depth_anything_hf.data.datasets import DepthFolder, DepthTable
from depth_anything_hf.data.item_mixture import training_data
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training.description import (
    describe,
    describe_objective,
    describe_run,
    describe_source,
    without_places,
)
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative


def plain_loss(model: nn.Module, batch: dict[str, Any], progress: float, weight: float = 1.0) -> dict[str, Any]:
    return {"loss": model(batch["pixel_values"]).predicted_depth.mean() * weight}


class Counting:
    """An objective with a parameter, a counter and a module."""

    def __init__(self, weight: float) -> None:
        self.weight, self.calls, self.layer = weight, 0, nn.Linear(1, 1)


def test_an_objective_is_its_class_and_the_parameters_it_was_made_with():
    assert describe_objective(SupervisedRelative(ANCHORED))["loss"]["gradient_weight"] == 0.5
    assert describe_objective(SupervisedMetric(max_depth=20.0))["loss"]["max_depth"] == 20.0
    assert describe_objective(plain_loss) == {"objective": "plain_loss", "loss": {"weight": 1.0}}
    assert describe_objective(partial(plain_loss, weight=2.0)) == {"objective": "plain_loss", "loss": {"weight": 2.0}}
    objective = Counting(0.5)
    before = describe_objective(objective)
    objective.calls = 7
    assert describe_objective(objective) == before == {"objective": "Counting", "loss": {"weight": 0.5}}


SHARPNESS = 2.0


def test_a_function_is_its_name_and_the_numbers_around_it():
    def make(weight: float, calls: int = 0) -> Any:
        def loss(model: nn.Module, batch: dict[str, Any], progress: float, margin: float = 0.1) -> dict[str, Any]:
            nonlocal calls
            calls += 1
            return {"loss": sum(weight * value**SHARPNESS + margin for value in batch.values())}

        return loss

    expected = {"objective": "loss", "loss": {"weight": 3.0, "SHARPNESS": 2.0, "margin": 0.1}}
    assert describe_objective(make(3.0)) == describe_objective(make(3.0, calls=5)) == expected
    assert describe_objective(partial(make(1.0), margin=0.5))["loss"]["margin"] == 0.5
    assert describe_objective(lambda *inputs: plain_loss(*inputs)) == {"objective": "<lambda>", "loss": {}}


class Private(nn.Module):
    """A loss that wraps another one, as modules keep them, and calls its own parameters private."""

    def __init__(self, inner: nn.Module | None = None, weight: float = 1.0) -> None:
        super().__init__()
        self.inner, self._weight = inner, weight

    def compute(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, Any]:
        return plain_loss(model, batch, progress, self._weight)


def test_objects_are_told_by_their_parameters_however_they_keep_and_call_them():
    objective = Private(Private(weight=3.0), weight=2.0)
    parts = {"inner": {"class": "Private", "weight": 3.0}, "weight": 2.0}
    assert describe_objective(objective) == {"objective": "Private", "loss": parts}
    assert describe_objective(objective.compute) == {"objective": "Private.compute", "loss": parts}
    relative = SupervisedRelative(ANCHORED)
    assert describe_objective(relative.__call__) == describe_objective(relative)


class Borrowed:
    """An objective of one's own whose parameters are called like those of `Distillation`, and are something else."""

    def __init__(self, teacher: Any, feature_encoder: Any, feature_weight: float, relative_loss: float) -> None:
        self.teacher, self.feature_encoder = teacher, feature_encoder
        self.scale, self.feature_weight, self.relative_loss = 1.0, feature_weight, relative_loss


def test_names_of_other_objectives_may_be_used():
    found = describe_objective(Borrowed(nn.Identity(), nn.Identity(), 0.5, relative_loss=2.0))
    numbers = {"feature_weight": 0.5, "relative_loss": 2.0}
    assert found == {
        "objective": "Borrowed",
        "loss": {"teacher": "Identity", "feature_encoder": "Identity", **numbers},
    }


def test_a_wrapper_is_what_it_wraps():
    @wraps(plain_loss)
    def wrapper(*inputs: Any) -> Any:
        return plain_loss(*inputs)

    assert describe_objective(wrapper) == describe_objective(plain_loss)


def test_distillation_says_what_it_distils_from():
    distilled = describe_objective(Distillation(RelativeLoss(), teacher=plain_loss))
    assert distilled["teacher"] == "plain_loss" and distilled["feature_alignment"] is None
    assert distilled["loss"]["ssi_weight"] == 1.0


def test_data_is_its_samples_their_labels_and_how_they_are_changed(labelled_folder, monkeypatch):
    def described(folder: Path, *, limit: int | None = None, scale: float | None = None, **augmentation: Any) -> Any:
        mixture = Mixture([DepthFolder(folder, limit=limit, scale=scale)], TrainingTransform(56, **augmentation))
        return describe_run(plain_loss, mixture)

    found = described(labelled_folder)
    assert json.loads(json.dumps(found)) == found
    (source,) = found["data"]
    assert (source["samples"], source["label"], source["scale"]) == (8, "depth", None)
    assert source["first"] == str(labelled_folder / "images" / "0.png")
    monkeypatch.chdir(labelled_folder)
    assert described(Path()) == found
    for other in ({"limit": 7}, {"scale": 1000.0}, {"vertical_flip": 1.0}):
        assert described(labelled_folder, **other) != found
    assert described(labelled_folder, vertical_flip=1.0)["augmentation"]["vertical_flip"] == 1.0


def test_tar_archives_are_recorded_by_the_names_of_their_images():
    """As in the records of versions that did not name samples by their keys, so that their runs resume."""
    image = {"bytes": png_bytes(np.zeros((2, 2, 3), np.uint8)), "path": "sub/0.png"}
    table = DepthTable(datasets.Dataset.from_list([{"image": image, "__key__": "sub/0"}]))
    assert table.name_of(0) == "sub/0"
    assert describe_source(table)["first"] == "sub/0.png"


def test_a_caller_knows_more_of_the_data(labelled_folder):
    mixture = Mixture([DepthFolder(labelled_folder)], TrainingTransform(56))
    found = describe_run(plain_loss, mixture, {"data": [{"path": Path("rooms")}], "note": (1, 2)})
    assert found["data"] == [{"label": "depth", "samples": 8, "path": "rooms"}]
    assert found["note"] == [1, 2] and found["augmentation"]["size"] == 56


class Crops(torch.utils.data.Dataset[Any]):
    """Tensors, by a name that is no file."""

    def __init__(self, root: str) -> None:
        self.root = root

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"pixel_values": torch.zeros(3, 28, 28), "labels": torch.ones(28, 28)}


def test_a_dataset_of_tensors_is_told_by_its_own_parameters():
    (source,) = describe_run(plain_loss, training_data(Crops("here"), 0))["data"]
    assert (source["class"], source["root"], source["samples"]) == ("Crops", "here", 3)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({3, 1, 2}, [1, 2, 3]),
        (float("inf"), "inf"),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (np.zeros((50, 50)), "array [50, 50], sha256 28b4f41a7f3ee6d8"),
        (list(range(1000)), "1000 entries, sha256 c76dd6f3c1710343"),
        (range(1000), "1000 entries, sha256 c76dd6f3c1710343"),
        ([*range(999), 1000], "1000 entries, sha256 fdb27270873ddee1"),
        ([None] * 1000, "1000 entries"),
        (torch.bfloat16, "torch.bfloat16"),
        (Path("a") / "b", "a/b"),
        (object(), {"class": "object"}),
    ],
)
def test_values_become_plain(value, plain):
    assert describe(value) == plain


def test_objects_that_hold_each_other_end():
    class Node:
        def __init__(self, other: Any = None) -> None:
            self.other = other

    node = Node()
    node.other = node
    assert json.dumps(describe(node)).count("Node") < 10


def test_paths_are_told_apart_and_not_named(tmp_path):
    record = {"first": str(tmp_path / "a" / "0.png"), "names": [str(tmp_path / "b" / "0.png"), "images/0.png", 3]}
    plain = without_places(record)
    assert str(tmp_path) not in str(plain) and plain["names"][1:] == ["images/0.png", 3]
    assert plain["first"].startswith("0.png (path, sha256 ") and plain["first"] != plain["names"][0]
    assert without_places(plain) == plain
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert without_places(str(tmp_path / "link" / "0.png")) == plain["first"]
