# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks run here on tiny models and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_predictors import SIDE, tiny_model
from wall_clips import write_wall_clip

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.decoding.images import read_image


@pytest.mark.long
def test_the_training_benchmark_compares_equal_gradients(tmp_path: Path, run: Callable[..., str]) -> None:
    arguments = ["--side", "70", "--batch", "1", "--rounds", "1", "--precision", "float64", "--threads", "1"]
    run("training_step.py", *arguments, "--contenders", "stock,ours", "--json", str(tmp_path / "training.json"))
    timings = json.loads((tmp_path / "training.json").read_text())["timings"]
    assert timings[0]["gradient_difference"] == 0 and timings[1]["gradient_difference"] < 1e-6


@pytest.mark.long
def test_the_mixed_sizes_benchmark_notes_memory_by_fifths(tmp_path: Path, run: Callable[..., str]) -> None:
    arguments = ["--count", "10", "--input_size", "56", "--rounds", "1", "--threads", "1"]
    run("mixed_sizes.py", *arguments, "--json", str(tmp_path / "mixed.json"))
    result = json.loads((tmp_path / "mixed.json").read_text())
    assert {len(found["mebibytes_by_fifth"]) for found in result["memory"].values()} == {5}
    assert result["random_to_sorted"]["wall"] > 0


@pytest.mark.long
def test_the_video_benchmark_compares_rates_and_notes_memory(tmp_path: Path, run: Callable[..., str]) -> None:
    arguments = ["--width", "64", "--height", "48", "--input_size", "28", "--frames", "6", "--rounds", "1"]
    run("video.py", *arguments, "--threads", "1", "--json", str(tmp_path / "video.json"))
    assert 0 < json.loads((tmp_path / "video.json").read_text())["rate_by_bare_rate"]["wall"] < 1.5
    run("video.py", "--memory", "10", "--json", str(tmp_path / "memory.json"))
    assert len(json.loads((tmp_path / "memory.json").read_text())["mebibytes_by_fifth"]) == 5


@pytest.mark.long
def test_the_flicker_benchmark_scores_treatments_and_draws(tmp_path: Path, run: Callable[..., str]) -> None:
    write_wall_clip(tmp_path / "clip", frames=3)
    tiny_model().save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(tmp_path / "model")
    arguments = ["--models", str(tmp_path / "model"), "--clips", str(tmp_path / "clip")]
    run("flicker.py", *arguments, "--drift", "3", "--past_weights", "--json", str(tmp_path / "flicker.json"))
    result = json.loads((tmp_path / "flicker.json").read_text())
    assert list(result["scores"]) == ["model, as they are", "model, disturbed", "the truth as predictions"]
    assert (
        result["scores"]["model, disturbed"]["align"]["ratio"] > result["scores"]["model, disturbed"]["range"]["ratio"]
    )
    assert result["drift"]["largest"] < 1.5
    run("flicker.py", *arguments, "--picture", str(tmp_path / "slices.png"))
    assert read_image(tmp_path / "slices.png").shape == (6, 3 * 373, 3)


@pytest.mark.slow
def test_the_loss_benchmark_compares_equal_gradients(tmp_path: Path, run_forked: Callable[..., str]) -> None:
    arguments = ["--batch", "2", "--side", "56", "--rounds", "1", "--json", str(tmp_path / "losses.json")]
    run_forked("losses.py", *arguments)
    timings = json.loads((tmp_path / "losses.json").read_text())["timings"]
    # Where several pixels have the median's value, another one may get its gradient.
    assert all(timing["mean_difference"] < 1e-6 for timing in timings)


@pytest.mark.slow
def test_the_decoding_benchmark_compares_equal_maps(tmp_path: Path, run_forked: Callable[..., str]) -> None:
    for package in ("h5py", "OpenEXR"):
        pytest.importorskip(package)
    size = ["--height", "48", "--width", "64", "--rounds", "1"]
    run_forked("decoding.py", *size, "--json", str(tmp_path / "decoding.json"))
    rows = json.loads((tmp_path / "decoding.json").read_text())["rows"]
    assert len(rows) == 14 and all(row["ratio"] > 0 and row["peak"] > 0 for row in rows)


@pytest.mark.slow
def test_the_preprocessing_benchmark_compares_equal_pixels(tmp_path: Path, run_forked: Callable[..., str]) -> None:
    arguments = ["--height", "160", "--width", "213", "--side", "70", "--rounds", "1"]
    run_forked("preprocessing.py", *arguments, "--json", str(tmp_path / "preprocessing.json"))
    ways = {way["name"]: way for way in json.loads((tmp_path / "preprocessing.json").read_text())["ways"]}
    assert ways["ours, pillow"]["difference_to_transformers"] == 0
    assert ways["ours, opencv"]["difference_to_original"] < 2e-6


@pytest.mark.long
def test_the_memory_of_ways_to_train_stands_beside_its_prediction(tmp_path: Path, run: Callable[..., str]) -> None:
    arguments = ["--side", "56", "--batch", "1", "--threads", "1", "--ways", "plain,least"]
    run("training_memory.py", *arguments, "--json", str(tmp_path / "memory.json"))
    plain, least = json.loads((tmp_path / "memory.json").read_text())["rows"]
    assert plain["share"] == 1 and least["share"] < 0.9
    assert all(0.8 < row["predicted_by_measured"] < 1.2 for row in (plain, least))


@pytest.mark.long
def test_every_kernel_is_measured_by_itself(tmp_path: Path, run: Callable[..., str]) -> None:
    arguments = ["--side", "252", "--batch", "1", "--rounds", "1", "--threads", "1", "--work", "predict_fp32"]
    run("cpu_kernels.py", *arguments, "--json", str(tmp_path / "kernels.json"))
    times = json.loads((tmp_path / "kernels.json").read_text())["results"]["predict_fp32"]
    assert [each["name"] for each in times] == ["PyTorch's", "linear", "attention", "all of ours"]
    assert all(len(each["wall"]) == 1 and each["wall"][0] > 0 for each in times)


@pytest.mark.long
def test_tiles_are_compared_with_single_passes(
    tmp_path: Path, run: Callable[..., str], make_tiny_model: Any, labelled_folder: Path
) -> None:
    make_tiny_model().save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor(size={"height": 56, "width": 56}).save_pretrained(tmp_path / "model")
    arguments = [str(tmp_path / "model"), str(labelled_folder), "--tile_sizes", "28", "--input_sizes", "70"]
    run("tiles.py", *arguments, "--limit", "3", "--json", str(tmp_path / "tiles.json"))
    single, larger, tiles = json.loads((tmp_path / "tiles.json").read_text())["ways"]
    assert (single["passes"], larger["passes"], tiles["passes"]) == (1, 1, 10)
    found = tiles["compared"]["delta1"]
    assert found["low"] <= found["difference"] <= found["high"] and tiles["seams"]["error"]["tiles"] > 0


@pytest.mark.long
def test_the_borders_of_tiles_are_drawn(
    tmp_path: Path, run: Callable[..., str], make_tiny_model: Any, labelled_folder: Path
) -> None:
    make_tiny_model().save_pretrained(tmp_path / "model")
    DepthAnythingImageProcessor(size={"height": 56, "width": 56}).save_pretrained(tmp_path / "model")
    picture, figure = sorted((labelled_folder / "images").iterdir())[0], tmp_path / "seams.png"
    arguments = [str(tmp_path / "model"), str(picture), str(figure), "--tile_size", "28", "--height", "80"]
    run("tile_seams.py", *arguments)
    assert read_image(figure).shape[0] == 2 * 80 + 4
