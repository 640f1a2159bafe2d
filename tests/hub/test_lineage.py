# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The lineage of a model, in its card and its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cards import metadata, save_tiny_model, write_card
from transformers import AutoConfig

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


def test_local_folders_are_no_base_models_and_show_only_their_name(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "teacher").mkdir(parents=True)
    lineage = {"encoder": str(tmp_path / "encoders" / "small"), "teacher": "runs/teacher"}
    card = write_card(tmp_path / "student", lineage=lineage)
    assert "base_model" not in metadata(tmp_path / "student")
    assert "`small` (local)" in card.text and "`teacher` (local)" in card.text and str(tmp_path) not in card.text


def test_the_lineage_is_in_the_configuration_and_keeps_its_ancestors(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "teacher")
    write_card(tmp_path / "teacher", lineage={"encoder": "facebook/dinov2-small"}, role="teacher")
    model = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "teacher")
    start = {"initial_weights": str(tmp_path / "teacher"), "data": [{"name": "owner/photographs", "license": "mit"}]}
    for _ in range(2):
        model.save_pretrained(tmp_path / "student")
        for _ in range(2):
            write_card(tmp_path / "student", lineage=start)
    lineage = AutoConfig.from_pretrained(tmp_path / "student").lineage
    assert lineage == {
        "initial_weights": "teacher",
        "data": [{"name": "owner/photographs", "license": "mit"}],
        "parent": {"encoder": "facebook/dinov2-small", "encoder_license": "apache-2.0"},
    }
