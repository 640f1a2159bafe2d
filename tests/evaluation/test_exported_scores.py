# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model and of its file, in the file's report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_files import colour_ramp, depth_ramp, write_pairs
from tiny_exports import save_tiny

from depth_anything_hf.evaluation.exported_scores import METRICS, check_labelled, score_exported


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    folder = tmp_path / "labelled"
    write_pairs(folder, colour_ramp(), depth_ramp(), ["a", "b"])
    return folder


def test_data_without_labels_are_refused_before_anything_is_exported(labelled: Path) -> None:
    check_labelled(str(labelled))
    with pytest.raises(ValueError, match="images: no labels beside the images"):
        check_labelled(str(next(each for each in labelled.iterdir() if each.name != "depth")))
    with pytest.raises(FileNotFoundError, match="missing"):
        check_labelled(str(labelled.parent / "missing" / "folder" / "of" / "images"))


@pytest.mark.slow
def test_the_report_has_the_scores_of_both(labelled: Path, tmp_path: Path) -> None:
    if not hasattr(torch.compiler, "is_exporting"):
        pytest.skip("models are exported by PyTorch 2.7 or later")
    from depth_anything_hf.export import export_model

    model = save_tiny(tmp_path / "model")
    # The size that images of 6 x 8 are resized to by the model's processor.
    path = export_model(model, tmp_path / "out", format="torch", size=(42, 56))
    scores = score_exported(str(model), path, str(labelled))
    assert scores["images"] == 2 and set(scores["model"]) == set(METRICS)
    np.testing.assert_allclose(list(scores["file"].values()), list(scores["model"].values()), rtol=1e-3)
    content = json.loads(path.with_name(path.name + ".parity.json").read_text(encoding="utf-8"))
    assert content["scores"] == scores and content["scores"]["data"] == "labelled"
    assert "Scores on 2 images of labelled: delta1" in path.with_name(path.name + ".parity.md").read_text("utf-8")
