# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of `export` where a model is expected: predicted, scored and labelled with as the model is."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import run
from filelock import FileLock
from tiny_exports import export_once
from tiny_predictors import SIDE, random_image, random_images, tiny_model, values_of

from depth_anything_hf.export import export_model
from depth_anything_hf.export.formats import FORMATS
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.utils.machine_traces import traces_in_file
from depth_anything_hf.utils.option_errors import OptionError


ENGINES = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}


@pytest.fixture(scope="module")
def metric_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metric")
    tiny_model(depth_estimation_type="metric", max_depth=2000, depth_unit="mm").save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE, interpolation="opencv").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def program(metric_folder: Path, shared_place: Path) -> Path:
    """Of one size, which takes less time, exported by the first process that asks."""
    with FileLock(shared_place / "program.lock"):
        found = [*(shared_place / "program").glob("*.pt2")]
        return (
            found[0] if found else export_model(metric_folder, shared_place / "program", format="torch", size=(70, 98))
        )


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_predictions_are_those_of_the_model(format: str, shared_place: Path) -> None:
    missing = [package for package in FORMATS[format].packages if find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    folder, path = export_once(shared_place / "exports", format)
    options: dict[str, Any] = {"batch_size": 2, "flip_averaging": True, "input_size": 70}
    predictor = DepthPredictor.from_pretrained(path, **options)
    assert (predictor.prediction_kind, predictor.precision, predictor.input_size) == ("depth", "float32", 70)
    assert predictor.engine == ENGINES[format]
    expected = DepthPredictor.from_pretrained(folder, device="cpu", **options)
    images = [image for image in random_images() if min(image[1].shape[:2]) >= 50]
    for one, other in zip(predictor(images), expected(images), strict=True):
        found, values = values_of(one), values_of(other)
        assert np.abs(found - values).max() <= 2e-5 * np.ptp(values) and 0 < found.max() < 0.35


def test_of_a_file_of_one_size_all_images_become_that_size(program: Path, metric_folder: Path) -> None:
    assert not list(traces_in_file(program))
    predictor = DepthPredictor.from_pretrained(program, device="cpu")
    image = random_image((60, 80))
    processor = DepthAnythingImageProcessor(
        size={"height": 70, "width": 98}, keep_aspect_ratio=False, interpolation="opencv"
    )
    model = DepthPredictor.from_pretrained(metric_folder, device="cpu").model
    expected = DepthPredictor(model, processor).predict(image)
    np.testing.assert_allclose(predictor.predict(image), expected, rtol=0, atol=2e-5 * np.ptp(expected))
    confident = DepthPredictor.from_pretrained(program, confidence=True)
    assert confident.confidence_passes == ("mirrored",) and confident(image).mean_confidence > 0
    assert predictor.engine == "torch" and predictor(random_image((80, 60))).values is not None
    with pytest.raises(ValueError, match=r"70 x 98 only, so input_size cannot be set"):
        DepthPredictor.from_pretrained(program, input_size=56)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "openvino"}, "is run by torch, got engine 'openvino'"),
        ({"dtype": "bfloat16"}, "exported in float32, got dtype bfloat16"),
        ({"compile": True}, "compile is for PyTorch's models"),
        ({"device": "meta"}, "device 'meta'"),
        ({"prediction_kind": "disparity"}, "contradicts"),
    ],
)
def test_what_a_file_cannot_do_is_refused(options: dict[str, Any], message: str, program: Path) -> None:
    with pytest.raises(ValueError, match=message):
        DepthPredictor.from_pretrained(program, **options)


def test_a_file_that_is_missing_or_no_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"student.pt2: no such file"):
        DepthPredictor.from_pretrained(tmp_path / "student.pt2")
    (tmp_path / "damaged.pt2").write_bytes(b"no program")
    with pytest.raises(ValueError, match=r"damaged.pt2: damaged, or no program"):
        DepthPredictor.from_pretrained(tmp_path / "damaged.pt2")
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(2),)), tmp_path / "other.pt2")
    with pytest.raises(ValueError, match=r"other.pt2: not written by export_model"):
        DepthPredictor.from_pretrained(tmp_path / "other.pt2")
    with pytest.raises(OptionError, match="engine must be one of"):
        DepthPredictor.from_pretrained(tmp_path / "damaged.pt2", engine="tensorrt")


def test_commands_take_a_file(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "labelled"
    for name in ("images", "depth"):
        (folder / name).mkdir(parents=True)
    for number in range(2):
        import cv2

        cv2.imwrite(str(folder / "images" / f"{number}.png"), random_image((60, 80), number))
        np.save(folder / "depth" / f"{number}.npy", np.linspace(0.5, 1.5, 4800, dtype=np.float32).reshape(60, 80))
    result = run("predict", folder / "images", "-o", tmp_path / "predicted", "-m", program, "--raw")
    assert result.exit_code == 0 and "(torch, float32)" in result.output, result.output
    with np.load(tmp_path / "predicted" / "0.npz") as stored:
        assert np.array_equal(
            stored["depth"], DepthPredictor.from_pretrained(program).predict(folder / "images" / "0.png")
        )
    assert (
        "2 of them earlier"
        in run("predict", folder / "images", "-o", tmp_path / "predicted", "-m", program, "--raw").output
    )
    result = run("evaluate", program, "--data", folder, "-o", tmp_path / "scores")
    assert result.exit_code == 0, result.output
    made_with = json.loads((tmp_path / "scores" / "results.json").read_text())["made_with"]
    assert made_with["model"] == program.name and made_with["engine"] == "torch"
    assert made_with["precision"] == "float32" and made_with["interpolation"] == "opencv"
    result = run("pseudo-label", folder / "images", "--teacher", program, "-o", tmp_path / "labels")
    assert result.exit_code == 0, result.output
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["engine"] == "torch" and list(provenance["weights_sha256"]) == [program.name]
    assert str(tmp_path) not in json.dumps(provenance)
    result = run("evaluate", program, "--data", folder, "--engine", "openvino")
    assert result.exit_code == 2 and "is run by torch" in result.output
