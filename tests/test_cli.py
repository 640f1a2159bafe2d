# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the command line, through typer and through a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Dinov2Config
from typer.testing import CliRunner

import depth_anything_hf
from depth_anything_hf import cli
from depth_anything_hf.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.inference import DepthPredictor
from depth_anything_hf.modeling_depth_anything import DepthAnythingForDepthEstimation


SIDE = 42


def save_tiny_model(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    config = DepthAnythingConfig.from_encoder_config(encoder, **options)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("relative"))


@pytest.fixture(scope="module")
def metric_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("metric"), depth_estimation_type="metric", max_depth=20)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(["a.png", "sub/b.jpg"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_image((30, 40 + number), number)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three images with depth in metres, 1 to 5."""
    for folder in ("images", "depth"):
        (tmp_path / "labelled" / folder).mkdir(parents=True)
    for number in range(3):
        depth = np.linspace(1, 5, 30 * 40, dtype=np.float32).reshape(30, 40)
        Image.fromarray(random_image((30, 40), number)).save(tmp_path / "labelled" / "images" / f"{number}.png")
        np.save(tmp_path / "labelled" / "depth" / f"{number}.npy", depth)
    return tmp_path / "labelled"


def random_image(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def run(*arguments: str | Path, **environment: str) -> Any:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env=environment or None)


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# predict


def test_predict_writes_pictures_and_numbers(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "--output", tmp_path / "out", "--model", model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "2 of 2 pictures" in result.output and "larger is nearer" in result.output
    stems = ["a", "sub/b"]
    assert files_below(tmp_path / "out") == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".npz", "_16bit.png", "_depth.png")
    )
    stored = np.load(tmp_path / "out" / "a.npz")
    expected = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png")
    assert stored["disparity"].dtype == np.float32 and str(stored["kind"]) == "disparity"
    np.testing.assert_allclose(stored["disparity"], expected, atol=1e-6)
    grey = cv2.imread(str(tmp_path / "out" / "a_16bit.png"), cv2.IMREAD_UNCHANGED)
    assert grey is not None and grey.dtype == np.uint16 and (grey.min(), grey.max()) == (0, 65535)
    assert grey.argmax() == expected.argmax() and grey.shape == expected.shape
    assert Image.open(tmp_path / "out" / "a_depth.png").size == (40, 30)


def test_a_metric_model_writes_metres_and_colours_what_is_near(
    metric_model: Path, photos: Path, tmp_path: Path
) -> None:
    result = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", metric_model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "metres" in result.output
    stored = np.load(tmp_path / "out" / "a.npz")
    assert sorted(stored) == ["depth", "kind"]
    brightness = np.asarray(Image.open(tmp_path / "out" / "a_depth.png")).astype(int).sum(axis=2)
    nearest, farthest = stored["depth"].argmin(), stored["depth"].argmax()
    assert brightness.flat[nearest] > brightness.flat[farthest]


def test_raw_writes_numbers_only(model: Path, photos: Path, tmp_path: Path) -> None:
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["a.npz", "sub/b.npz"]


def test_pictures_of_one_name_do_not_overwrite_each_other(model: Path, tmp_path: Path) -> None:
    inputs = []
    for number, name in enumerate(["one/x.png", "one/x.jpg", "two/x.png"]):
        inputs.append(tmp_path / name)
        inputs[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(random_image((20, 20 + number), number)).save(inputs[-1])
    assert run("predict", *inputs, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["x_jpg.npz", "x_png.npz", "x_png_2.npz"]
    assert np.load(tmp_path / "out" / "x_png_2.npz")["disparity"].shape == (20, 22)


def test_broken_pictures_are_named_and_fail_the_command_only_alone(model: Path, photos: Path, tmp_path: Path) -> None:
    broken = photos / "broken.jpg"
    broken.write_bytes(b"no picture")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw")
    assert result.exit_code == 0 and "2 of 3 pictures" in result.output
    assert "1 of 3 images were left out" in result.output and str(broken) in result.output
    alone = run("predict", broken, tmp_path / "absent.jpg", "-o", tmp_path / "out", "-m", model)
    assert alone.exit_code == 1 and "absent.jpg: no such file" in alone.output


# pseudo-label


def test_pseudo_label_writes_shards_that_open(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "2 images labelled in 2 shards" in result.output
    samples = open_source(str(tmp_path / "labels"))
    assert [samples[index]["name"] for index in range(2)] == ["a.png", "sub/b.jpg"]
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["data"] == "photos" and provenance["teacher"] == model.name
    other = run(*arguments, "--input-size", "56")
    assert other.exit_code == 1 and "error:" in other.output and "input_size: 42 there, 56 now" in other.output


def test_a_launched_process_takes_its_share(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    assert run(*arguments, RANK="1", WORLD_SIZE="2").exit_code == 0
    assert files_below(tmp_path / "labels") == ["labels-00001-of-00002.parquet", "provenance.json"]


# evaluate


def test_evaluate_prints_and_saves_the_scores(model: Path, labelled: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "--data", labelled, "--output", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "abs_rel" in result.output and "alignment: disparity" in result.output
    record = json.loads((tmp_path / "results" / "results.json").read_text())
    assert record["images"] == 3 and record["prediction_is"] == "disparity"


def test_a_metric_model_is_scored_in_metres(metric_model: Path, labelled: Path) -> None:
    result = run("evaluate", metric_model, "--data", labelled, "--device", "cpu", "--max-depth", "20", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert "2 images scored" in result.output and "alignment: none" in result.output


def test_the_commands_are_functions(model: Path, labelled: Path, photos: Path, tmp_path: Path) -> None:
    scores = cli.evaluate(str(model), str(labelled), device="cpu")
    assert len(scores.rows) == 3 and 0 <= scores.mean["abs_rel"]
    report = cli.pseudo_label(str(photos), str(model), tmp_path / "labels", device="cpu")
    assert report.labelled == 2


def test_pictures_without_labels_cannot_be_scored(model: Path, photos: Path) -> None:
    result = run("evaluate", model, "--data", photos)
    assert result.exit_code == 1 and "no depth or disparity labels" in result.output


# render


def test_render_passes_its_arguments_on(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    size = ("--height", "28", "--width", "42", "--samples-per-pixel", "1", "--denoise", "no")
    result = run("render", tmp_path / "scenes", "--count", "1", *size, "--family", "hazy-rooms", "--no-depth")
    assert result.exit_code == 0, result.output
    (image,) = (tmp_path / "scenes").rglob("*.png")
    assert Image.open(image).size == (42, 28)


def test_a_wrong_choice_is_told(tmp_path: Path) -> None:
    result = run("render", tmp_path / "scenes", "--count", "1", "--denoise", "maybe")
    assert result.exit_code == 1 and "auto, yes, no" in result.output


# The top


def test_errors_are_one_line_and_debug_shows_the_traceback(tmp_path: Path) -> None:
    arguments = ("evaluate", tmp_path / "absent", "--data", tmp_path / "nothing")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("error: ") and "nothing" in result.output and "Traceback" not in result.output
    assert isinstance(run("--debug", *arguments).exception, FileNotFoundError)
    assert isinstance(run(*arguments, DEPTH_ANYTHING_HF_DEBUG="1").exception, FileNotFoundError)


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0 and depth_anything_hf.__version__ in result.output


@pytest.mark.parametrize("command", ["predict", "pseudo-label", "evaluate", "render"])
def test_every_command_explains_itself_with_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0 and f"depth-anything-hf {command}" in result.output


def test_help_of_a_real_process_does_not_import_torch() -> None:
    script = "import sys; from depth_anything_hf import cli; print('torch' in sys.modules)"
    assert run_process("-c", script).stdout.strip() == "False"
    shown = run_process("-m", "depth_anything_hf.cli", "--help")
    assert shown.returncode == 0 and "pseudo-label" in shown.stdout


def test_predict_in_a_real_process(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(photos), "-o", str(tmp_path / "out"), "-m", str(model), "--batch-size", "2"]
    ran = run_process("-m", "depth_anything_hf.cli", *arguments)
    assert ran.returncode == 0, ran.stderr
    assert len(files_below(tmp_path / "out")) == 6


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, timeout=300)
