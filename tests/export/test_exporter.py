# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Exported files against their models, by engine; what is refused; what lies beside a file."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.export import export_model, open_exported
from depth_anything_hf.export.formats import FORMATS


VARIANTS: dict[str, dict[str, Any]] = {
    "relative": {},
    "relative_offset": {"interpolate_offset": 0.1},
    "metric": {"depth_estimation_type": "metric", "max_depth": 20},
    "metric_offset": {
        "depth_estimation_type": "metric", "max_depth": 350, "depth_unit": "mm", "interpolate_offset": 0.1
    },
    "last_layers": {"out_indices": [2, 3, 4, 5]},
    "registers": {"registers": True},
    "registers_offset": {"registers": True, "interpolate_offset": 0.1},
}  # fmt: skip


def need_engine(format: str) -> None:
    missing = [package for package in FORMATS[format].packages if find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


def report_of(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.with_name(path.name + ".parity.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_file_gives_the_maps_of_the_model_at_sizes_not_seen(
    format: str, variant: str, save_model: Any, tmp_path: Path
) -> None:
    need_engine(format)
    folder = save_model(**VARIANTS[variant])
    path = export_model(folder, tmp_path / "out", format=format)
    content = report_of(path)
    assert content["accepted"] and content["largest"] <= 2e-5
    assert [each["name"] for each in content["sizes"]] == ["square", "portrait", "landscape", "batch of 3", "native"]
    model = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
    images = torch.randn(2, 3, 42, 126, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(images).predicted_depth.numpy()
    assert np.ptp(expected) > 0
    opened = open_exported(path, threads=1)
    assert np.abs(opened(images.numpy()) - expected).max() <= 2e-5 * np.ptp(expected)
    assert opened.metadata["prediction_kind"] == ("depth" if "metric" in variant else "disparity")
    assert opened.metadata["unit"] == {"metric": "m", "metric_offset": "mm"}.get(variant)


@pytest.mark.parametrize(
    ("format", "precision"),
    [("torch", "bfloat16"), ("torch", "float16"), ("onnx", "float16"), ("openvino", "bfloat16")],
)
def test_other_precisions_make_smaller_files_of_nearly_the_same_map(
    format: str, precision: str, save_model: Any, tmp_path: Path
) -> None:
    need_engine(format)
    path = export_model(save_model(), tmp_path / "out", format=format, precision=precision)
    assert path.stem.endswith(precision)
    content = report_of(path)
    assert content["accepted"] and content["mean"] < 0.05
    assert content["metadata"]["precision"] == precision


def test_a_fixed_size_leaves_the_batch_free(save_model: Any, tmp_path: Path) -> None:
    path = export_model(save_model(), tmp_path / "fixed.pt2", format="torch", size=(42, 70))
    assert report_of(path)["metadata"]["size"] == [42, 70]
    opened = open_exported(path)
    assert opened(np.zeros((5, 3, 42, 70), np.float32)).shape == (5, 42, 70)
    with pytest.raises(Exception, match=r"42|70|shape"):
        opened(np.zeros((1, 3, 56, 56), np.float32))


def test_files_of_others_stay_and_own_ones_are_replaced(save_model: Any, tmp_path: Path) -> None:
    folder, path = save_model(), tmp_path / "out.pt2"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"out\.pt2.*--overwrite"):
        export_model(folder, path, format="torch")
    assert path.read_text() == "mine"
    export_model(folder, path, format="torch", overwrite=True)
    first = report_of(path)["sha256"]
    # Its own one is known by the checksum in the report.
    export_model(folder, path, format="torch", size=(28, 28))
    assert report_of(path)["sha256"] != first
    path.write_text("mine again")
    with pytest.raises(FileExistsError, match="overwrite"):
        export_model(folder, path, format="torch")
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_the_card_of_the_folder_gets_one_line_for_each_file(save_model: Any) -> None:
    folder = save_model()
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n\nMine.\n", encoding="utf-8")
    for _ in range(2):
        path = export_model(folder, folder, format="torch")
    export_model(folder, folder, format="torch", precision="bfloat16")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Mine." in card and card.count("## Exported files") == 1
    assert card.count("| `model.pt2`") == 1 and card.count("| `model_bfloat16.pt2`") == 1
    assert open_exported(path).metadata["license"] == "apache-2.0"
    assert str(folder.parent) not in path.with_name("model.pt2.parity.json").read_text(encoding="utf-8")


def test_what_cannot_be_exported_is_refused_by_name(save_model: Any, tmp_path: Path) -> None:
    folder, out = save_model(), tmp_path / "out"
    with pytest.raises(ValueError, match=r"format must be one of .*did you mean 'onnx'"):
        export_model(folder, out, format="onx")
    with pytest.raises(ValueError, match=r"precision must be one of .*'float32'.*'int3'"):
        export_model(folder, out, format="torch", precision="int3")
    with pytest.raises(ValueError, match=r"multiples of 14.*the nearest: 56 70"):
        export_model(folder, out, format="torch", size=(60, 70))
    with pytest.raises(ValueError, match=r"format 'onnx'.*ends in \.pt2"):
        export_model(folder, tmp_path / "a.onnx", format="torch")
    with pytest.raises(ValueError, match=r"calibration is for precisions of 8 bits.*'bfloat16'; leave it out"):
        export_model(folder, out, format="torch", precision="bfloat16", calibration="photos")
    with pytest.raises(ValueError, match=r"precision must be one of .*'torch', got 'int8'"):
        export_model(folder, out, format="torch", precision="int8")
    (folder / "config.json").write_text('{"model_type": "dpt"}')
    with pytest.raises(ValueError, match="'dpt' model, expected a Depth Anything model"):
        export_model(folder, out, format="torch")
    assert not out.exists() or not list(out.iterdir())
